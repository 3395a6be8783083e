import { type AddNodeOptions, addNode } from './add-node.ts'
import { type InsideOptions, type InsideProcess, type RunOptions, run, start } from './inside.ts'
import { type LabNode, labNode } from './lab-node.ts'
import { type Forward, forward } from './network/forward.ts'
import { PANICKED } from './node/engine.ts'
import { loadArchive } from './packages/archive.ts'
import { type ImageName, imageArchive } from './packages/images.ts'
import { clearLab, type LabRecord, labFolder, type NodeRecord, writeRecord } from './state.ts'
import { joinSwarm, leaveSwarm, type ReadyOptions, waitUntilReady } from './swarm.ts'

export type { LabNode } from './lab-node.ts'

export type Lab = {
  name: string
  engineVersion: string
  nodes: LabNode[]
  managers: LabNode[]
  workers: LabNode[]
  /**
   * Waits until every manager that is not excepted says so: all such nodes are ready, all such managers reachable.
   * Nodes that have left are not waited for.
   */
  ready(options?: ReadyOptions): Promise<void>
  /** Heals, thaws and starts every node, and waits until all are ready: whatever an earlier test did to them. */
  mend(options?: ReadyOptions): Promise<void>
  /** One more node, added to the lists above. Resolves when it is ready for tasks, or with `join: false` for joining. */
  addNode(options?: AddNodeOptions): Promise<LabNode>
  /**
   * Has a node join that is not in the Swarm, or that was removed from it by force: the same host under a new node id.
   * Resolves when it is ready for tasks. Its old entry, if there is one, stays: `docker node rm` is the caller's business.
   */
  rejoin(node: LabNode): Promise<void>
  /** One of the lab's own images by name, or the path of a `docker save` archive, on every node. */
  loadImage(image: ImageName | string): Promise<void>
  /** A program at the bridges, br0 and br1: a machine on the nodes' LANs that is no node. */
  run(argv: readonly string[], options?: RunOptions): ReturnType<typeof run>
  /** Starts a program there and leaves it running. */
  spawn(argv: readonly string[], options?: InsideOptions): Promise<InsideProcess>
  /** An address on those LANs, a container's on a macvlan network for instance, on this machine's loopback. */
  forward(port: number, host: string): Promise<Forward>
  /** Ends everything and waits until no process, mount, namespace, cgroup or file of the lab is left. */
  down(): Promise<void>
}

/** A lab that is up, from its record: also one that another process started. */
export function openLab(record: LabRecord): Lab {
  const nodes = record.nodes.map((node) => labNode(record, node))
  const managers = nodes.filter((node) => node.role === 'manager')
  const workers = nodes.filter((node) => node.role === 'worker')
  const recordOf = ({ hostname }: LabNode): NodeRecord => {
    const found = record.nodes.find((node) => node.hostname === hostname)
    if (found === undefined) throw new Error(`${hostname} is no node of lab ${record.name}`)
    return found
  }
  const hasJoined = (node: LabNode) => recordOf(node).joined
  const ready = (options?: ReadyOptions) => waitUntilReady(managers.filter(hasJoined), nodes.filter(hasJoined), options)

  const rejoin = async (node: LabNode) => {
    const own = recordOf(node)
    await leaveSwarm(node.api, { force: true })
    own.joined = false
    own.nodeId = await joinSwarm(node, managers.filter(hasJoined))
    own.joined = true
    await writeRecord(record)
  }

  const addOne = async (options: AddNodeOptions = {}) => {
    const node = labNode(record, await addNode(record, options))
    nodes.push(node)
    ;(node.role === 'manager' ? managers : workers).push(node)
    if (options.join !== false) await rejoin(node)
    return node
  }
  let adding: Promise<unknown> = Promise.resolve()

  return {
    ...{ name: record.name, engineVersion: record.engineVersion, nodes, managers, workers, ready, rejoin },
    async mend(options) {
      await Promise.all(nodes.map(mendNode))
      await ready(options)
    },
    addNode(options) {
      const added = adding.then(() => addOne(options))
      adding = added.catch(() => {}) // its caller hears of it; the next one has a try of its own
      return added
    },
    async loadImage(image) {
      const archive = await imageArchive(image)
      await Promise.all(nodes.map((node) => loadArchive(node.api, archive)))
    },
    run: (argv, options) => run(record.pid, argv, { check: false, ...options }),
    spawn: (argv, options) => start(record.pid, argv, options),
    forward: (port, host) => forward({ pid: record.pid, folder: labFolder(record.name), host, port }),
    async down() {
      for (const node of nodes) await tellPanic(node)
      await clearLab(record.name)
    },
  }
}

/** An engine that died under a test is told, whether the test held or not. */
async function tellPanic(node: LabNode): Promise<void> {
  const log = await node.log().catch(() => '')
  if (!log.includes(PANICKED)) return
  const at = log.search(/^(panic|fatal error): /m)
  console.warn(`${node.hostname}: ${PANICKED}\n${log.slice(at).split('\n').slice(0, 6).join('\n')}`)
}

async function mendNode(node: LabNode): Promise<void> {
  await node.heal()
  if (node.engineState() === 'stopped') await node.start()
  else await node.thaw()
}
