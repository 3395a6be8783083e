/** What the figures are measured on: a Swarm of three managers, and a controller beside the first of them. */
import { type Controller, endControllers, startController } from '../test/e2e/support/controller.ts'
import { eventually } from '../test/e2e/support/services.ts'
import type { Lab, LabNode } from '../test/lab/lab.ts'
import type { EngineKind } from '../test/lab/packages/engines.ts'
import { startLab } from '../test/lab/start-lab.ts'
import { connectRawEngine, type RawEngine } from './calls/raw-engine.ts'
import { createCrowd } from './calls/services.ts'

export interface Stage {
  readonly engineVersion: string
  /** The leader: where the controller is, and the bare updates go. */
  readonly manager: LabNode
  readonly otherManager: LabNode
  readonly controller: Controller
  /** One connection, for what is timed. */
  readonly engine: RawEngine
  /** Few figures hurry; those that do not have more to do in one go. */
  readonly quick: boolean
  readonly progress: (line: string) => void
  /** Another controller, as the first one is started. */
  startController(node?: LabNode): Promise<Controller>
  /** Until there are `count` services in all, and the controller knows them. */
  populate(count: number): Promise<void>
  /** Once or more often. */
  close(): Promise<void>
}

/** As operators run it: the log at its default level. */
const ENV = { LOG_LEVEL: 'info' }

export async function createStage(options: {
  readonly engine: EngineKind
  readonly quick: boolean
  readonly progress: (line: string) => void
}): Promise<Stage> {
  const { progress, quick } = options
  const lab = await startLab({ nodes: 3, managers: 3, engine: options.engine, images: [], onProgress: progress })
  const manager = await leaderOf(lab)
  const otherManager = lab.managers.find((node) => node !== manager)
  if (otherManager === undefined) throw new Error('a lab with one manager')
  const engine = connectRawEngine(manager.socketPath)
  const hands = connectRawEngine(manager.socketPath, 8)
  const crowd = createCrowd(hands)
  const controller = await startController(manager, { env: ENV })
  let isClosed = false
  return {
    engineVersion: lab.engineVersion,
    manager,
    otherManager,
    controller,
    engine,
    quick,
    progress,
    startController: (node = manager) => startController(node, { env: ENV }),
    async populate(count) {
      progress(`making services, up to ${count}`)
      await crowd(count)
      await eventually(`the controller knows ${count} services`, async () => (await knownTo(controller)) >= count)
    },
    async close() {
      if (isClosed) return
      isClosed = true
      endControllers()
      await Promise.all([engine.close(), hands.close()])
      progress('taking the lab down')
      await lab.down()
    },
  }
}

async function leaderOf(lab: Lab): Promise<LabNode> {
  for (const node of lab.managers) {
    const { ManagerStatus } = (await node.api.getNode(node.nodeId).inspect()) as {
      ManagerStatus?: { Leader?: boolean }
    }
    if (ManagerStatus?.Leader === true) return node
  }
  throw new Error('a swarm without a leader')
}

const knownTo = async (controller: Controller): Promise<number> =>
  (await controller.call<{ autoscalers: unknown[] }>('GET', '/v1/autoscaler')).body.autoscalers.length
