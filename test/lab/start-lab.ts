import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadArchive } from './archive.ts'
import type { Progress } from './cache.ts'
import { type EngineKind, type EnginePackages, enginePackages } from './engines.ts'
import { execute } from './execute.ts'
import { type ImageName, imageArchive } from './images.ts'
import { startKeeper } from './keeper.ts'
import { engineOf, type Lab, openLab } from './lab.ts'
import { checkMachine } from './machine.ts'
import { plugIn } from './network.ts'
import { claimLab, clearLab, type LabRecord, type NodeRecord, writeRecord } from './state.ts'
import { formSwarm } from './swarm.ts'

export type LabOptions = {
  /** 1 to 5; default 3. */
  nodes?: number
  /** 1 to 3; default: as many as there are nodes, up to 3. */
  managers?: number
  engine?: EngineKind
  name?: string
  /** Loaded on every node before the lab is handed over. */
  images?: readonly ImageName[]
  /** Keep the lab when this process ends. Otherwise it goes down with it, however it ends. */
  outlive?: boolean
  onProgress?: Progress
}

/** A Docker Swarm of real engines on this machine, in namespaces of its own. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const {
    nodes: count = 3,
    engine = 'new',
    onProgress = () => {},
    outlive = false,
    images = ['orrery-lab/web'],
  } = options
  const { managers = Math.min(3, count), name = `lab-${randomBytes(3).toString('hex')}` } = options
  if (!Number.isInteger(count) || count < 1 || count > 5) throw new Error(`nodes: 1 to 5, not ${count}`)
  if (!Number.isInteger(managers) || managers < 1 || managers > Math.min(3, count)) {
    throw new Error(`managers: 1 to ${Math.min(3, count)} of ${count} nodes, not ${managers}`)
  }
  await checkMachine(onProgress)
  const [packages, ...archives] = await Promise.all([
    enginePackages(engine, onProgress),
    ...images.map((image) => imageArchive(image, onProgress)),
  ])
  onProgress(`starting ${count} engine${count === 1 ? '' : 's'} ${packages.version} in lab ${name}`)
  const keeper = await claimLab(name, (at, subnet) => startKeeper({ folder: at, subnet, init: initOf(packages) }))
  const { folder, subnet } = keeper
  try {
    const plan = [...Array(count).keys()].map((index) => ({
      hostname: `${name}-${index + 1}`,
      port: `${index + 1}`,
      address: `${subnet}.${11 + index}`,
      role: index < managers ? ('manager' as const) : ('worker' as const),
      socketPath: join(folder, `${name}-${index + 1}.sock`),
    }))
    const hosts = plan.map(({ address, hostname }) => `${address} ${hostname}`)
    await writeFile(join(folder, 'hosts'), ['127.0.0.1 localhost', '::1 localhost', ...hosts, ''].join('\n'))
    const booted = await Promise.all(
      plan.map(async (node) => {
        const pid = await startNode(folder, keeper.lab, packages, node)
        const { api, engine: own } = engineOf(name, { ...node, pid })
        await own.start()
        return { ...node, pid, api }
      }),
    )
    onProgress('forming the swarm')
    const [nodeIds] = await Promise.all([
      formSwarm(booted),
      ...booted.flatMap(({ api }) => archives.map((archive) => loadArchive(api, archive))),
    ])
    const record: LabRecord = {
      name,
      engine,
      engineVersion: packages.version,
      pid: keeper.lab,
      startedBy: process.pid,
      startedAt: new Date().toISOString(),
      nodes: booted.map(({ api: _, ...node }, index): NodeRecord => ({ ...node, nodeId: nodeIds[index] ?? '' })),
    }
    await writeRecord(record)
    if (outlive) keeper.letGo()
    return openLab(record)
  } catch (error) {
    await clearLab(name)
    throw error
  }
}

/** The checkout and where temporary files go, if they lie in what each node has a copy of. */
const checkout = join(import.meta.dirname, '../..')
const sharedFolders = [...new Set([checkout, tmpdir()])].filter((path) => /^\/(usr|etc|var|run)\//.test(path))

type NodePlan = Pick<NodeRecord, 'hostname' | 'port' | 'address'>

/** Reaps orphans as the first process of a namespace; static, so it needs none of the packages' libraries. */
const initOf = (packages: EnginePackages) => join(packages.folder, 'usr/bin/tini-static')

/** Makes a node's namespaces and plugs it in; its pid. */
async function startNode(folder: string, lab: number, packages: EnginePackages, node: NodePlan): Promise<number> {
  const script = join(import.meta.dirname, 'node.sh')
  const log = join(folder, `${node.hostname}-boot.log`)
  const unshare = ['unshare', '--pid', '--fork', '--kill-child', '--mount', '--net', '--uts', '--ipc']
  const boot = ['sh', script, folder, node.hostname, packages.folder, initOf(packages), ...sharedFolders]
  // `setsid --fork` hands it to the lab's first process, so that it ends with the lab and is nobody's child outside.
  const line = 'exec setsid --fork "$@" >"$0" 2>&1'
  await execute('nsenter', [`--target=${lab}`, '--pid', '--', 'sh', '-c', line, log, ...unshare, ...boot])
  const answer = await firstLine(join(folder, `${node.hostname}.pid`), 20_000)
  const pid = Number(answer)
  if (!Number.isInteger(pid)) {
    throw new Error(`node ${node.hostname} did not come up:\n${await readFile(log, 'utf8').catch(() => '')}`)
  }
  await plugIn({ lab, node: pid, port: node.port }, node.address)
  return pid
}

/** Waits for a file that appears with its content; undefined if it does not. */
async function firstLine(path: string, timeoutMs: number): Promise<string | undefined> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(5)) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (text.endsWith('\n')) return text.trim()
  }
  return undefined
}
