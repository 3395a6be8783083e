import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Controller, createWorld } from './late-controllers.ts'

type World = ReturnType<typeof createWorld>

const SERVICES = ['web', 'shop', 'mail']

interface Step {
  readonly what: keyof typeof steps
  readonly who: number
  readonly service: number
  readonly size: number
  readonly noise: number
}

interface Stage {
  readonly world: World
  readonly controllers: readonly Controller[]
  /** Writes that were promised and are on their way, by controller and service: each has one at a time. */
  readonly writes: Map<string, () => void>
}

const named = (stage: Stage, { service }: Step) => stage.world.services[service % stage.world.services.length] ?? ''
const controllerOf = ({ controllers }: Stage, { who }: Step) => {
  const found = controllers[who % controllers.length]
  if (found === undefined) throw new Error('no controller')
  return found
}

async function begin(stage: Stage, step: Step, wanted: number) {
  const serviceId = named(stage, step)
  const key = `${step.who % stage.controllers.length} ${serviceId}`
  if (stage.writes.has(key)) return
  const write = await controllerOf(stage, step).begin(serviceId, wanted)
  if (write !== undefined) stage.writes.set(key, write)
}

function writeAll(writes: Stage['writes']) {
  for (const write of writes.values()) write()
  writes.clear()
}

function runSwarm(world: World, noise: number) {
  for (const id of world.services) {
    world.orchestrate(id, noise)
    world.schedule(id, 1000, noise)
  }
  for (let node = 0; node < world.nodes; node += 1) world.start(node)
}

const steps = {
  async grow(stage: Stage, step: Step) {
    await begin(stage, step, stage.world.replicasOf(named(stage, step)) + step.size)
  },
  async shrink(stage: Stage, step: Step) {
    await begin(stage, step, Math.max(0, stage.world.replicasOf(named(stage, step)) - step.size))
  },
  write({ writes }: Stage, { noise }: Step) {
    const [key, write] = [...writes][noise % Math.max(1, writes.size)] ?? []
    if (key !== undefined) writes.delete(key)
    write?.()
  },
  /** As a rule each reads the new version right after it. */
  writeAll(stage: Stage, { noise }: Step) {
    writeAll(stage.writes)
    if (noise % 3 === 0) return
    for (const controller of stage.controllers) for (const id of stage.world.services) controller.see(id)
  },
  /** Swarm does all it can, but that what stops takes its time. */
  swarm: ({ world }: Stage, { noise }: Step) => runSwarm(world, noise),
  settle: (stage: Stage) => settle(stage),
  orchestrate: (stage: Stage, step: Step) => stage.world.orchestrate(named(stage, step), step.noise),
  schedule: (stage: Stage, step: Step) => stage.world.schedule(named(stage, step), step.size, step.noise),
  start: ({ world }: Stage, { who }: Step) => world.start(who),
  stop: ({ world }: Stage, { who }: Step) => world.stop(who),
  readTasks: (stage: Stage, step: Step) => controllerOf(stage, step).readTasks(),
  hear: (stage: Stage, step: Step) => controllerOf(stage, step).hear(step.noise),
  see: (stage: Stage, step: Step) => controllerOf(stage, step).see(named(stage, step)),
  seeShared: (stage: Stage, step: Step) => controllerOf(stage, step).seeShared(),
  wait: ({ world }: Stage, { size }: Step) => world.wait(size * 40),
}

/** Everything that can happen by itself, until nothing is left to happen. */
function settle({ world, controllers, writes }: Stage) {
  writeAll(writes)
  for (let round = 0; round < 3; round += 1) {
    for (let node = 0; node < world.nodes; node += 1) world.stop(node)
    runSwarm(world, round)
  }
  world.wait(1000)
  for (const controller of controllers) {
    for (const id of world.services) controller.see(id)
    controller.seeShared()
    controller.readTasks()
    for (let node = 0; node < world.nodes; node += 1) controller.hear(node)
  }
}

const often: readonly Step['what'][] = ['grow', 'shrink', 'writeAll', 'see', 'swarm', 'readTasks', 'hear']

const anyStep: fc.Arbitrary<Step> = fc.record({
  what: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...often) },
    { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(steps) as Step['what'][])) },
  ),
  who: fc.nat({ max: 5 }),
  service: fc.nat({ max: 2 }),
  size: fc.integer({ min: 1, max: 20 }),
  noise: fc.nat({ max: 4000 }),
})

const story = fc.record({
  ranges: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
  services: fc.integer({ min: 1, max: 2 }),
  controllers: fc.integer({ min: 1, max: 2 }),
  newerByMs: fc.constantFrom(0, 500),
  played: fc.array(anyStep, { maxLength: 60 }),
})

function stageOf({
  ranges,
  services,
  controllers,
  newerByMs = 0,
}: {
  ranges: readonly number[]
  services: number
  controllers: number
  newerByMs?: number
}) {
  const given = Object.fromEntries(SERVICES.slice(0, services).map((id) => [id, {}]))
  const world = createWorld({ ranges, services: given, managers: controllers, newerByMs })
  const stage: Stage = { world, controllers: Array.from({ length: controllers }, world.controller), writes: new Map() }
  settle(stage)
  return stage
}

describe('whatever is asked of whom in whatever order, and however late each sees what happened', () => {
  it('no task fails for want of an address', async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ played, ...given }) => {
        const stage = stageOf(given)
        for (const step of played) await steps[step.what](stage, step)
        settle(stage)
        expect(stage.world.failures()).toBe(0)
      }),
      { numRuns: 6000 },
    )
  })

  it('what is asked for long enough gets all that even spread can address', async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ played, ...given }) => {
        const stage = stageOf({ ...given, services: 1 })
        for (const step of played) await steps[step.what](stage, step)
        for (let round = 0; round < 6; round += 1) {
          settle(stage)
          await steps.grow(stage, { what: 'grow', who: 0, service: 0, size: 100, noise: 0 })
        }
        settle(stage)
        expect(stage.world.failures()).toBe(0)
        expect(stage.world.runningOf('web')).toBeGreaterThanOrEqual(Math.min(...given.ranges) * given.ranges.length)
      }),
      { numRuns: 300 },
    )
  })
})

/** Three nodes of 15 addresses, and 45 tasks on them. */
async function full(newerByMs = 0) {
  const stage = stageOf({ ranges: [15, 15, 15], services: 1, controllers: 1, newerByMs })
  const { world, controllers } = stage
  const [controller] = controllers
  if (controller === undefined) throw new Error('no controller')
  const to = async (replicas: number) => {
    const write = await controller.begin('web', replicas)
    write?.()
    controller.see('web')
  }
  await to(45)
  settle(stage)
  expect(world.runningOf('web')).toBe(45)
  return { stage, world, controller, to }
}

describe('containers that ended since the last report', () => {
  it('are not taken for tasks that the list does not show yet, where tasks are heard', async () => {
    const { world, controller, to } = await full(500)
    await to(20)
    runSwarm(world, 0)
    world.wait(1000)
    for (let node = 0; node < 3; node += 1) controller.hear(node)
    for (let node = 0; node < 2; node += 1) world.stop(node)
    world.wait(100)
    controller.readTasks()
    await to(45)
    runSwarm(world, 0)
    expect(world.failures()).toBe(0)
  })
})

describe('two services that ask for the last addresses at one moment', () => {
  it.each([1, 2, 3])('get exactly what is free, through %i controllers', async (controllers) => {
    const stage = stageOf({ ranges: [13, 13, 13], services: 2, controllers })
    const writes = await Promise.all([
      stage.controllers[0]?.begin('web', 30),
      stage.controllers[controllers - 1]?.begin('shop', 30),
    ])
    for (const write of writes) write?.()
    settle(stage)
    expect(stage.world.failures()).toBe(0)
    expect(stage.world.runningOf('web') + stage.world.runningOf('shop')).toBe(39)
  })
})

describe('tasks that came and went between two lists of tasks', () => {
  it('hold their addresses: nobody else gets them before the next', async () => {
    const stage = stageOf({ ranges: [1], services: 2, controllers: 1 })
    const { world, controllers } = stage
    const [controller] = controllers
    if (controller === undefined) throw new Error('no controller')
    const to = async (service: string, replicas: number) => {
      const write = await controller.begin(service, replicas)
      write?.()
      controller.see(service)
    }
    await to('web', 1)
    runSwarm(world, 0)
    await to('web', 0)
    await to('shop', 1)
    expect(world.replicasOf('shop')).toBe(0)
    settle(stage)
    await to('shop', 1)
    settle(stage)
    expect(world.runningOf('shop')).toBe(1)
    expect(world.failures()).toBe(0)
  })
})

describe('45 to 20 to 45', () => {
  it('at once stays at 20, whether Swarm has begun to stop tasks or not', async () => {
    for (const hasBegun of [true, false]) {
      const { stage, world, to } = await full()
      await to(20)
      if (hasBegun) runSwarm(world, 0)
      await to(45)
      expect(world.replicasOf('web')).toBe(20)
      settle(stage)
      expect(world.failures()).toBe(0)
    }
  })

  it('waits for the containers that stop, and goes on as they do', async () => {
    const { stage, world, controller, to } = await full()
    await to(20)
    runSwarm(world, 0)
    world.wait(1000)
    controller.readTasks()
    await to(45)
    expect(world.replicasOf('web')).toBe(20)
    world.stop(0)
    controller.readTasks()
    await to(45)
    expect(world.replicasOf('web')).toBe(20)
    controller.hear(0)
    await to(45)
    runSwarm(world, 0)
    expect(world.failures()).toBe(0)
    // What is left is spread unevenly: as Swarm evens it out, there is more to promise.
    for (let round = 0; round < 4; round += 1) {
      settle(stage)
      await to(45)
    }
    settle(stage)
    expect(world.runningOf('web')).toBe(45)
    expect(world.failures()).toBe(0)
  })
})
