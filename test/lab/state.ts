import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execute } from './execute.ts'
import type { Lan } from './network/lan.ts'
import { isRunning, readProcessId } from './node/processes.ts'
import { withLock } from './packages/cache.ts'
import type { EngineKind } from './packages/engines.ts'

/** One folder a lab: sockets, logs, and the record by which another process finds the lab. */
export const stateFolder = '/run/orrery-lab'

export type NodeRecord = {
  hostname: string
  /** Port on the bridges. */
  port: string
  address: string
  role: 'manager' | 'worker'
  /** First process of the node, as seen from outside. */
  pid: number
  socketPath: string
  /** In the Swarm; of a node that has left, the last one. Empty before it has joined. */
  nodeId: string
  /** Whether it is in the Swarm, as far as the lab has done it. */
  joined: boolean
}

export type LabRecord = {
  name: string
  engine: EngineKind
  engineVersion: string
  /** First process of the lab, in the namespace with the bridges. */
  pid: number
  startedBy: number
  startedAt: string
  /** What every node has when it is handed over. */
  images: readonly string[]
  lans: readonly Lan[]
  nodes: NodeRecord[]
}

export const labFolder = (name: string) => join(stateFolder, name)
export const keeperScript = join(import.meta.dirname, 'node/keeper.sh')

/**
 * Finds a free name's /24 and lets `make` create the folder before another start can look. Leftovers of crashed labs
 * are cleared first.
 */
export function claimLab<T>(name: string, make: (folder: string, subnet: string) => Promise<T>): Promise<T> {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw new Error(`lab name "${name}": a-z, 0-9 and -, at most 31 characters, starting with a letter`)
  }
  return withLock('labs', async () => {
    await clearLeftovers()
    const names = await labNames()
    if (names.includes(name)) throw new Error(`a lab named "${name}" is up: npm run lab -- down ${name}`)
    const addresses = names.map((other) => readFile(join(labFolder(other), 'address'), 'utf8').catch(() => ''))
    const taken = await Promise.all(addresses)
    // Clear of Docker's own pools: 172.17 to 172.31 and 192.168 for bridges, 10.0.0.0 upwards for overlays.
    const subnets = [...Array(250).keys()].map((index) => `10.211.${index + 1}`)
    const subnet = subnets.find((candidate) => !taken.some((address) => address.startsWith(`${candidate}.`)))
    if (subnet === undefined) throw new Error(`${subnets.length} labs are up`)
    return make(labFolder(name), subnet)
  })
}

export async function labNames(): Promise<string[]> {
  const entries = await readdir(stateFolder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}

/** Undefined while a lab is still booting, or when it never got up. */
export async function readRecord(name: string): Promise<LabRecord | undefined> {
  const text = await readFile(join(labFolder(name), 'lab.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as LabRecord)
}

export async function writeRecord(record: LabRecord): Promise<void> {
  const path = join(labFolder(record.name), 'lab.json')
  await writeFile(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`)
  await rename(`${path}.new`, path)
}

export const keeperOf = (name: string) => readProcessId(join(labFolder(name), 'keeper'))

/** Takes a lab down whoever started it, and waits until nothing of it is left. */
export async function clearLab(name: string): Promise<void> {
  const keeper = keeperOf(name)
  if (keeper && isRunning(keeper)) {
    process.kill(keeper.pid, 'SIGTERM')
    const deadline = Date.now() + 60_000
    while (isRunning(keeper)) {
      if (Date.now() > deadline) throw new Error(`lab ${name} is not down after 60 s: see ${labFolder(name)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await execute('sh', [keeperScript, 'clear', labFolder(name)])
}

/** A lab whose keeper is gone. A folder without one may be a lab that another process is just starting. */
export async function isLeftover(name: string): Promise<boolean> {
  const keeper = keeperOf(name)
  if (keeper) return !isRunning(keeper)
  const made = await stat(labFolder(name)).then((found) => found.mtimeMs, Date.now)
  return Date.now() - made > 30_000
}

async function clearLeftovers(): Promise<void> {
  for (const name of await labNames()) {
    if (await isLeftover(name)) await execute('sh', [keeperScript, 'clear', labFolder(name)])
  }
}
