import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import type { Result } from './execute.ts'
import { type InsideOptions, type InsideProcess, type RunOptions, run, start } from './inside.ts'
import { type Forward, forward } from './network/forward.ts'
import { cut, heal } from './network/network.ts'
import type { EngineState } from './node/engine.ts'
import { engineOf } from './node/node-engine.ts'
import { type RebootOptions, reboot } from './node/reboot.ts'
import { loadArchive } from './packages/archive.ts'
import { type ImageName, imageArchive } from './packages/images.ts'
import { type LabRecord, labFolder, type NodeRecord, writeRecord } from './state.ts'
import { leaveSwarm } from './swarm.ts'

export type LabNode = Omit<NodeRecord, 'port' | 'joined'> & {
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
  forward(port: number, host?: string, localPort?: number): Promise<Forward>
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
  /**
   * All processes end, forwards and spawned programs too; what lives in memory only is lost: links but lo, eth0 and eth1,
   * routes and addresses but the lab's own, packet filter rules, /run. Then the engine starts.
   */
  reboot(options?: RebootOptions): Promise<void>
  /** `docker swarm leave`; a manager needs `force`. It keeps its `nodeId`, by which a manager still knows it, until `lab.rejoin`. */
  leave(options?: { force?: boolean }): Promise<void>
  loadImage(image: ImageName | string): Promise<void>
  /** What the engine has logged since it was first started. */
  log(): Promise<string>
}

/** What can be done to one node. `record` is part of `lab`, and changed. */
export function labNode(lab: LabRecord, record: NodeRecord): LabNode {
  const { api, logPath, engine } = engineOf(lab.name, record)
  const place = { lab: lab.pid, node: record.pid, port: record.port }
  const { port: _, joined: __, ...facts } = record
  return {
    ...facts,
    get nodeId() {
      return record.nodeId
    },
    api,
    engineState: engine.state,
    docker: (...args) => run(record.pid, ['docker', ...args], { check: false }),
    run: (argv, options) => run(record.pid, argv, { check: false, ...options }),
    spawn: (argv, options) => start(record.pid, argv, options),
    forward: (port, host = '127.0.0.1', localPort = 0) =>
      forward({ pid: record.pid, folder: labFolder(lab.name), host, port, localPort }),
    start: engine.start,
    stop: engine.stop,
    kill: engine.kill,
    freeze: engine.freeze,
    thaw: engine.thaw,
    async restart() {
      await engine.stop()
      await engine.start()
    },
    cut: () => cut(place),
    heal: () => heal(place),
    reboot: (options = {}) => reboot({ lab: lab.name, lans: lab.lans, node: record, engine }, options),
    async leave(options) {
      await leaveSwarm(api, options)
      record.joined = false
      await writeRecord(lab)
    },
    loadImage: async (image) => loadArchive(api, await imageArchive(image)),
    log: () => readFile(logPath, 'utf8'),
  }
}
