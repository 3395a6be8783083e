import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { execute } from '../execute.ts'
import { type ImageConfig, writeArchive } from './archive.ts'
import { cached, type Progress } from './cache.ts'
import { fetchPackages } from './engines.ts'

export type ImageName = 'orrery-lab/web' | 'orrery-lab/node'

/** Fetched from Debian: everything else in the images is this machine's own. */
const parts = (progress: Progress) => fetchPackages('image-parts', 'bookworm', ['busybox-static', 'tini'], progress)

/**
 * `orrery-lab/web`, 3 MB: busybox under tini, so that it stops at once on SIGTERM. Its command can be any applet; the
 * default serves /www on port 80. Tags `good`, `1`, `2` and `3` behave alike; `bad` ends with code 1 at once.
 *
 * `orrery-lab/node`, 100 MB: this machine's node and ip with the libraries that ldd names, CA certificates and
 * busybox for the rest: a base image for programs of this repository.
 *
 * Both are made without an engine, from a folder: see archive.ts.
 */
const recipes: Record<ImageName, { tags: Record<string, ImageConfig>; fill: (root: string) => Promise<void> }> = {
  'orrery-lab/web': {
    tags: {
      good: webConfig(['/bin/tini', '--']),
      '1': webConfig(['/bin/tini', '--']),
      '2': webConfig(['/bin/tini', '--']),
      '3': webConfig(['/bin/tini', '--']),
      bad: webConfig(['/bin/tini', '--', '/bin/sh', '-c', 'exit 1']),
    },
    fill: async (root) => {
      await mkdir(join(root, 'www'))
      await writeFile(join(root, 'www/index.html'), 'orrery-lab/web\n')
    },
  },
  'orrery-lab/node': {
    tags: { latest: { Env: ['PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['node'] } },
    fill: async (root) => {
      const { stdout: ip } = await execute('sh', ['-c', 'readlink -f "$(command -v ip)"'])
      await copyProgram(process.execPath, join(root, 'usr/local/bin/node'), root)
      await copyProgram(ip.trim(), join(root, 'usr/sbin/ip'), root)
      await cp('/etc/ssl/certs/ca-certificates.crt', join(root, 'etc/ssl/certs/ca-certificates.crt')).catch(() => {})
    },
  },
}

function webConfig(entrypoint: string[]): ImageConfig {
  return {
    Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    Entrypoint: entrypoint,
    Cmd: ['httpd', '-f', '-p', '80', '-h', '/www'],
    ExposedPorts: { '80/tcp': {} },
  }
}

/** The archive of one of the lab's images, made at the first call; any other name is taken as an archive's path. */
export async function imageArchive(image: ImageName | string, progress: Progress = () => {}): Promise<string> {
  if (!(image in recipes)) return image
  const name = image as ImageName
  const { tags, fill } = recipes[name]
  const { folder } = await parts(progress)
  const recipe = createHash('sha256').update(`${process.version} ${basename(folder)}`)
  for (const source of ['images.ts', 'archive.ts']) recipe.update(await readFile(join(import.meta.dirname, source)))
  return cached(`${name.replace('/', '-')}-${recipe.digest('hex').slice(0, 8)}.tar`, async (temporary) => {
    progress(`making the image ${name} (once)`)
    const root = `${temporary}.root`
    await rm(root, { recursive: true, force: true })
    await layOut(root, folder)
    await fill(root)
    const images = Object.entries(tags).map(([tag, config]) => [`${name}:${tag}`, config])
    await writeArchive(temporary, { '/': root }, Object.fromEntries(images))
    await rm(root, { recursive: true })
  })
}

/** The folders of a small Debian, with busybox for every tool. */
async function layOut(root: string, partsFolder: string): Promise<void> {
  const folders = [
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'usr/local/bin',
    'etc/ssl/certs',
    'var',
    'root',
    'tmp',
  ]
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true })
  for (const merged of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${merged}`, join(root, merged))
  await execute('chmod', ['1777', join(root, 'tmp')])
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n')
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n')
  const busybox = join(root, 'usr/bin/busybox')
  await cp(join(partsFolder, 'usr/bin/busybox'), busybox)
  await cp(join(partsFolder, 'usr/bin/tini-static'), join(root, 'usr/bin/tini'))
  const { stdout: applets } = await execute(busybox, ['--list'])
  for (const applet of applets.trim().split('\n')) {
    if (applet !== 'busybox') await symlink('busybox', join(root, 'usr/bin', applet))
  }
}

/** A program and, at the paths where its loader looks for them, the libraries it is linked with. */
async function copyProgram(from: string, to: string, root: string): Promise<void> {
  await rm(join(root, 'usr/bin', basename(to)), { force: true }) // busybox's applet of that name
  await cp(from, to, { dereference: true })
  const { stdout } = await execute('ldd', [from])
  for (const [, library] of stdout.matchAll(/(\/\S+) \(0x/g)) {
    if (library === undefined) continue
    const target = join(root, library.replace(/^\/lib/, '/usr/lib'))
    await mkdir(dirname(target), { recursive: true })
    await cp(library, target, { dereference: true })
  }
}
