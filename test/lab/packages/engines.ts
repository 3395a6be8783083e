import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execute } from '../execute.ts'
import { cached, type Progress } from './cache.ts'

export type EngineKind = 'new' | 'old'

const engines = {
  new: { suite: 'unstable', packages: ['docker.io', 'docker-cli', 'docker-buildx', 'iptables'], atLeast: '28.0.1' },
  old: { suite: 'bookworm', packages: ['docker.io', 'iptables'], atLeast: '20.10' },
} as const satisfies Record<EngineKind, { suite: string; packages: readonly string[]; atLeast: string }>

/** Unpacked packages: an engine with its client, containerd, runc, iptables and the libraries they need. */
export type EnginePackages = { kind: EngineKind; version: string; folder: string }

const script = join(import.meta.dirname, 'fetch-packages.sh')

/** Unpacks packages of a Debian suite into the cache and lists them with their versions. Nothing is installed. */
export async function fetchPackages(name: string, suite: string, packages: readonly string[], progress: Progress) {
  const recipe = createHash('sha256')
    .update(await readFile(script))
    .update([suite, ...packages].join(' '))
  const folder = await cached(`${name}-${recipe.digest('hex').slice(0, 8)}`, async (temporary) => {
    progress(`fetching ${packages.join(', ')} of Debian ${suite} (once, about 15 s)`)
    const { stdout } = await execute('sh', [script, suite, temporary, ...packages]).catch((error: Error) => {
      throw new Error(`Debian ${suite}: ${packages.join(', ')} not to be had\n${error.message.replace(/^.*\n/, '')}`)
    })
    await writeFile(join(temporary, 'versions'), stdout)
  })
  const lines = (await readFile(join(folder, 'versions'), 'utf8')).trim().split('\n')
  return { folder, versions: new Map(lines.map((line) => line.split(' ') as [string, string])) }
}

export async function enginePackages(kind: EngineKind, progress: Progress = () => {}): Promise<EnginePackages> {
  const { suite, packages, atLeast } = engines[kind]
  const { folder, versions } = await fetchPackages(`engine-${kind}`, suite, packages, progress)
  const version = versions.get('docker.io')
  if (version === undefined) throw new Error(`Debian ${suite} gave no docker.io package`)
  const enough = await execute('dpkg', ['--compare-versions', version, 'ge', atLeast], { check: false })
  if (enough.code !== 0) throw new Error(`Debian ${suite} has engine ${version}; the lab needs ${atLeast} or later`)
  return { kind, version: version.replace(/[+-].*/, ''), folder }
}

export type EngineAvailability = { kind: EngineKind; version: string } | { kind: EngineKind; missing: string }

/** Which engines a lab can run here, and for one that it cannot: why. Fetches what is not in the cache. */
export function availableEngines(progress?: Progress): Promise<EngineAvailability[]> {
  return Promise.all(
    (['new', 'old'] as const).map((kind) =>
      enginePackages(kind, progress).then(
        ({ version }) => ({ kind, version }),
        (error: Error) => ({ kind, missing: error.message }),
      ),
    ),
  )
}
