import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { NetworkDefinition } from '../../../../src/bootstrap/definition/definition.ts'
import { createNetworkKeeper, type NetworkKeeperDeps } from '../../../../src/bootstrap/reconcile/keep-networks.ts'
import { createObserver } from '../../../../src/bootstrap/reconcile/observe.ts'
import { readyLabel } from '../../../../src/bootstrap/record/record.ts'
import { definition, family } from '../../../support/builders/networks.ts'
import { type ModelledBootstrap, modelledBootstrap } from '../model/network-ports.ts'

const recording = () => {
  const lines: { event: string; text: string }[] = []
  const log = (fields: object, text: string) =>
    void lines.push({ event: 'event' in fields ? String(fields.event) : '', text })
  return { lines, logger: { debug: () => {}, info: log, warn: log, error: log } }
}

/** A controller's loop on this model; several may run on one. */
const keep = (model: ModelledBootstrap, over: Partial<NetworkKeeperDeps> = {}) => {
  const { lines, logger } = recording()
  const steps: string[] = []
  const keeper = createNetworkKeeper({
    ...model,
    observer: createObserver(model),
    reports: { onNews: (listener) => model.reports.onChange(() => listener(model.reports.list()[0]?.report as never)) },
    mode: 'auto',
    dryRun: false,
    onStep: ({ text }) => void steps.push(text),
    logger,
    ...over,
  })
  const stop = new AbortController()
  const running = keeper.run(stop.signal)
  const end = async () => {
    stop.abort()
    await running
  }
  onTestFinished(end)
  return { keeper, lines, steps, end }
}

const live = (model: ModelledBootstrap) => {
  const timer = setInterval(model.turn, 10)
  onTestFinished(() => clearInterval(timer))
}
const two = (defined: readonly NetworkDefinition[] = [definition()]) => {
  const model = modelledBootstrap(defined)
  model.cluster.join('manager1', 'manager')
  model.cluster.join('worker1')
  return model
}
const isReady = ({ cluster }: ModelledBootstrap) =>
  cluster.swarmNetworks.has('vlan40') &&
  [...cluster.nodes.values()].every(({ labels }) => labels[readyLabel('vlan40')] === 'ready')
const eventually = async (what: () => boolean) => {
  await vi.waitFor(() => expect(what()).toBe(true), { timeout: 8_000, interval: 10 })
}
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 300))

describe('a controller that keeps networks', () => {
  it('puts a definition in force by itself, and says so', async () => {
    const model = two()
    const { lines, steps } = keep(model)
    live(model)
    await eventually(() => isReady(model))
    expect(lines.filter(({ event }) => event === 'network-step').map(({ text }) => text)).toEqual(
      steps.map((text) => `vlan40: ${text}`),
    )
    expect(model.cluster.harm).toEqual([])
  })

  it('does nothing while it is not in sync, and nothing at all in a dry run', async () => {
    const model = two()
    model.state.inSync = false
    const { keeper } = keep(model)
    live(model)
    await aWhile()
    expect([model.writes, keeper.plan()]).toEqual([[], undefined])
    const dry = two()
    const { keeper: careful } = keep(dry, { dryRun: true })
    live(dry)
    await eventually(() => careful.plan()?.networks[0]?.verdict === 'pending')
    await aWhile()
    expect(dry.writes).toEqual([])
  })

  it('does not put anything in force when that is for a person to do', async () => {
    const model = two()
    const { keeper } = keep(model, { mode: 'keep' })
    live(model)
    await eventually(() => keeper.plan()?.networks[0]?.verdict === 'not-in-force')
    await aWhile()
    expect(model.writes).toEqual([])
  })

  it('is one of several, which do each step once and each other no harm', async () => {
    const model = two()
    const all = [keep(model), keep(model), keep(model)]
    live(model)
    await eventually(() => isReady(model))
    const taken = all.flatMap(({ steps }) => steps)
    expect(new Set(taken).size).toBe(taken.length)
    expect(model.cluster.harm).toEqual([])
  })

  it('goes on where another one stopped, at whatever write', async () => {
    for (let survives = 0; survives < 6; survives += 1) {
      const model = two()
      let left = survives
      model.beforeEachWrite(() => {
        left -= 1
        if (left < 0) throw new Error('killed')
      })
      const first = keep(model)
      const timer = setInterval(model.turn, 5)
      await eventually(() => left < 0 || isReady(model))
      await first.end()
      model.beforeEachWrite(() => {})
      const second = keep(model)
      await eventually(() => isReady(model))
      await second.end()
      clearInterval(timer)
      expect(model.cluster.harm).toEqual([])
    }
  })

  it('leaves a step that failed alone for a while, takes the others, and tries it again', async () => {
    const model = two()
    const { lines } = keep(model)
    model.fail('node worker1', { kind: 'rejected', message: 'forbidden' })
    live(model)
    await eventually(() => model.cluster.swarmNetworks.has('vlan40'))
    await eventually(() => isReady(model))
    expect(lines.filter(({ event }) => event === 'network-step-failed')).toHaveLength(1)
  })

  it('does not ask again and again for a network that an engine shows and Swarm has no more', async () => {
    const model = two()
    const { end } = keep(model)
    live(model)
    await eventually(() => isReady(model))
    await end()
    const { record } = model.cluster.records.get('vlan40') ?? {}
    if (record === undefined) throw new Error('no record')
    model.state.set = { files: [], issues: [] }
    const removing = { ...record, phase: 'removing' } as const
    model.cluster.take({ network: 'vlan40', do: 'write-record', text: '', basis: record, record: removing })
    for (let time = 0; time < 1_000; time += 1) model.fail('remove', { kind: 'gone' })
    keep(model)
    await eventually(() => [...model.cluster.nodes.values()].every(({ labels }) => Object.keys(labels).length === 0))
    const asked = model.writes.filter((write) => write === 'remove').length
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThan(100)
  })

  it('says once what stands in the way, and once that it no longer does', async () => {
    const small = definition({ ipv4: family({ pool: [{ first: '172.80.1.0', last: '172.80.1.255' }] }) })
    const model = two([small])
    const { lines } = keep(model)
    live(model)
    await eventually(() => lines.some(({ event }) => event === 'network-problem'))
    await aWhile()
    expect(lines.filter(({ event }) => event === 'network-problem')).toHaveLength(1)
    model.state.set = { files: [{ file: 'a.yaml', name: 'vlan40', definition: definition() }], issues: [] }
    model.tell()
    await eventually(() => lines.some(({ event }) => event === 'network-problem-over'))
    await eventually(() => isReady(model))
  })

  it('says once that it cannot plan, and goes on when it can', async () => {
    const model = two()
    const observe = createObserver(model)
    let isBroken = true
    const observer = {
      ...observe,
      plan: async (wish: Parameters<typeof observe.plan>[0]) => {
        if (isBroken) throw new Error('the engine is away')
        return await observe.plan(wish)
      },
    }
    const { lines } = keep(model, { observer })
    live(model)
    await eventually(() => lines.some(({ event }) => event === 'network-plan-failed'))
    await aWhile()
    expect(lines.filter(({ event }) => event === 'network-plan-failed')).toHaveLength(1)
    isBroken = false
    await eventually(() => isReady(model))
  })
})
