import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { loadArchive } from './archive.ts'
import { type Engine, type EngineState, engine } from './engine.ts'
import type { Result } from './execute.ts'
import { type Forward, forward } from './forward.ts'
import { type ImageName, imageArchive } from './images.ts'
import { type InsideOptions, type InsideProcess, type RunOptions, run, start } from './inside.ts'
import { cut, heal } from './network.ts'
import { clearLab, type LabRecord, labFolder, type NodeRecord } from './state.ts'
import { type ReadyOptions, waitUntilReady } from './swarm.ts'

export type LabNode = Omit<NodeRecord, 'port'> & {
  /** The engine's API, for tests that prefer it to the client. */
  api: Docker
  /** As the kernel sees it, without asking the engine. */
  engineState(): EngineState
  /** The docker client against this node's engine. Does not throw: look at `code`. */
  docker(...args: string[]): Promise<Result>
  /** A program inside the node, to its end. The machine's files are there under their own paths. */
  run(argv: readonly string[], options?: RunOptions): Promise<Result>
  /** A program inside the node that goes on; the lab ends it at the latest. */
  spawn(argv: readonly string[], options?: InsideOptions): Promise<InsideProcess>
  /** Makes a TCP port of the node, or of an address it reaches, available on this machine's loopback. */
  forward(port: number, host?: string): Promise<Forward>
  stop(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  /** SIGKILL: containers go on without an engine until the next start, which replaces them. */
  kill(): Promise<void>
  /** SIGSTOP: whoever asks the engine waits. Containers go on. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Off both bridges, and back on. */
  cut(): Promise<void>
  heal(): Promise<void>
  loadImage(image: ImageName | string): Promise<void>
  /** What the engine has logged since it was first started. */
  log(): Promise<string>
}

export type Lab = {
  name: string
  engineVersion: string
  nodes: LabNode[]
  managers: LabNode[]
  workers: LabNode[]
  /** Waits until every manager that is not excepted says so: all such nodes are ready, all such managers reachable. */
  ready(options?: ReadyOptions): Promise<void>
  /** Heals, thaws and starts every node, and waits until all are ready: whatever an earlier test did to them. */
  mend(options?: ReadyOptions): Promise<void>
  /** One of the lab's own images by name, or the path of a `docker save` archive, on every node. */
  loadImage(image: ImageName | string): Promise<void>
  /** A program at the bridges, br0 and br1: a machine on the nodes' LANs that is no node. */
  run(argv: readonly string[], options?: RunOptions): Promise<Result>
  /** An address on those LANs, a container's on a macvlan network for instance, on this machine's loopback. */
  forward(port: number, host: string): Promise<Forward>
  /** Ends everything and waits until no process, mount, namespace, cgroup or file of the lab is left. */
  down(): Promise<void>
}

export const engineOf = (labName: string, node: Pick<NodeRecord, 'hostname' | 'pid' | 'socketPath' | 'port'>) => {
  const api = new Docker({ socketPath: node.socketPath })
  const logPath = join(labFolder(labName), `${node.hostname}.log`)
  const cgroup = `orrery-lab-${labName}/${node.port}`
  return { api, logPath, engine: engine({ api, pid: node.pid, socketPath: node.socketPath, logPath, cgroup }) }
}

/** A lab that is up, from its record: also one that another process started. */
export function openLab(record: LabRecord): Lab {
  const nodes = record.nodes.map((node) => labNode(record, node))
  const managers = nodes.filter((node) => node.role === 'manager')
  return {
    name: record.name,
    engineVersion: record.engineVersion,
    nodes,
    managers,
    workers: nodes.filter((node) => node.role === 'worker'),
    ready: (options) => waitUntilReady(managers, nodes, options),
    async mend(options) {
      await Promise.all(nodes.map(mendNode))
      await waitUntilReady(managers, nodes, options)
    },
    async loadImage(image) {
      const archive = await imageArchive(image)
      await Promise.all(nodes.map((node) => loadArchive(node.api, archive)))
    },
    run: (argv, options) => run(record.pid, argv, { check: false, ...options }),
    forward: (port, host) => forward({ pid: record.pid, folder: labFolder(record.name), host, port }),
    down: () => clearLab(record.name),
  }
}

async function mendNode(node: LabNode): Promise<void> {
  await node.heal()
  if (node.engineState() === 'stopped') await node.start()
  else await node.thaw()
}

function labNode(lab: LabRecord, record: NodeRecord): LabNode {
  const { api, logPath, engine: own } = engineOf(lab.name, record)
  const place = { lab: lab.pid, node: record.pid, port: record.port }
  const { port: _, ...facts } = record
  const { start: startEngine, stop, kill, freeze, thaw, state }: Engine = own
  return {
    ...facts,
    api,
    engineState: state,
    docker: (...args) => run(record.pid, ['docker', ...args], { check: false }),
    run: (argv, options) => run(record.pid, argv, { check: false, ...options }),
    spawn: (argv, options) => start(record.pid, argv, options),
    forward: (port, host = '127.0.0.1') => forward({ pid: record.pid, folder: labFolder(lab.name), host, port }),
    start: startEngine,
    stop,
    kill,
    freeze,
    thaw,
    async restart() {
      await stop()
      await startEngine()
    },
    cut: () => cut(place),
    heal: () => heal(place),
    loadImage: async (image) => loadArchive(api, await imageArchive(image)),
    log: () => readFile(logPath, 'utf8'),
  }
}
