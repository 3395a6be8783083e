import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createNodeKeeper, type KeepTiming } from '../../../../src/agent/host/keep-node.ts'
import { HostFault } from '../../../../src/agent/plan/host.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import type { WantedNetwork, WantedState } from '../../../../src/swarm/wanted.ts'
import { network } from '../modelled-host.ts'
import { type ModelledNode, modelledNode } from './modelled-node.ts'

const vlan40: WantedNetwork = {
  name: 'vlan40',
  configName: 'vlan40_config',
  presence: 'present',
  driver: 'macvlan',
  parent: 'eth1',
  ipv4: { subnet: '172.80.0.0/16', range: '172.80.1.0/24', aux: {}, shim: '172.80.1.254' },
  isAdopted: false,
  mayRecreate: false,
}
const wantedState = (over: Partial<WantedState> = {}): WantedState => ({
  v: 1,
  nodeId: 'node-1',
  revision: 7,
  networks: [vlan40],
  ...over,
})

const QUICK: KeepTiming = { lookEveryMs: 60_000, factsEveryMs: 60_000, usageEveryMs: 60_000, gatherMs: 5 }
const away = new Fault('engine-unavailable', 'The engine cannot be reached.')

/** Kept until the test ends; `wanted` may be changed by the test. */
function keeping(node: ModelledNode, options: { wanted?: WantedState; timing?: Partial<KeepTiming> } = {}) {
  const lines: { event: string; code?: string; level: string }[] = []
  const at = (level: string) => (fields: object) => {
    lines.push({ level, event: '', ...fields })
  }
  const logger = { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') }
  const wanted = { current: options.wanted }
  const keeper = createNodeKeeper({
    ...node,
    wanted: (nodeId) => (wanted.current?.nodeId === nodeId ? wanted.current : undefined),
    logger,
    now: Date.now,
    timing: { ...QUICK, ...options.timing },
  })
  let changes = 0
  keeper.onChange(() => {
    changes += 1
  })
  const stopping = new AbortController()
  const run = keeper.run(stopping.signal)
  onTestFinished(async () => {
    stopping.abort()
    await run
  })
  return { keeper, lines, wanted, changes: () => changes }
}

const until = (holds: () => unknown) =>
  vi.waitFor(
    () => {
      if (!holds()) throw new Error(`never: ${holds}`)
    },
    { timeout: 2_000, interval: 2 },
  )

describe('a node', () => {
  it('is made as it is wanted at once, is seen to be that, and then left alone', async () => {
    const node = modelledNode()
    const { keeper, lines } = keeping(node, { wanted: wantedState() })
    await until(() => keeper.observed().standings[0]?.isAsWanted)
    expect(node.steps).toEqual([
      'set-promiscuous',
      'create-network',
      'make-shim',
      'ask-for-address',
      'add-address',
      'raise-link',
      'set-route',
      'prove-network',
    ])
    expect(keeper.observed().standings).toEqual([
      {
        name: 'vlan40',
        isAsWanted: true,
        faults: [],
        mended: [],
        attached: 0,
        parent: { name: 'eth1', isUp: true, isPromiscuous: true, addresses: ['172.80.0.11/16'], isOurs: false },
        shim: { name: 'shim-vlan40', isUp: true, isPromiscuous: false, addresses: ['172.80.1.254/32'], isOurs: true },
      },
    ])
    expect(keeper.mendedSince(0).map(({ text }) => text)).toContain('created the config-only network vlan40_config')
    expect(lines.filter(({ event }) => event === 'network-as-wanted')).toHaveLength(1)
    const before = node.looks
    node.tell('network')
    await until(() => node.looks > before)
    expect(node.steps).toHaveLength(8)
  })

  it('remembers that it was the agent who made the parent promiscuous', async () => {
    const node = modelledNode()
    const { keeper } = keeping(node, { wanted: wantedState() })
    await until(() => keeper.observed().standings[0]?.isAsWanted)
    expect(node.memory.promiscuous()).toEqual(new Set(['eth1']))
  })

  it('is mended when something is gone: at once on news of a network, else at the next look', async () => {
    const node = modelledNode()
    const { keeper } = keeping(node, { wanted: wantedState(), timing: { lookEveryMs: 30 } })
    await until(() => keeper.observed().standings[0]?.isAsWanted)
    const madeAtMs = Date.now()
    node.state = { ...node.state, networks: [], links: node.state.links.filter(({ name }) => name !== 'shim-vlan40') }
    await until(() => node.steps.length > 8 && keeper.observed().standings[0]?.isAsWanted)
    expect(node.state.networks.map(({ name }) => name)).toEqual(['vlan40_config'])
    expect(keeper.mendedSince(madeAtMs - 1).length).toBeGreaterThan(0)
  })

  it('is looked at once more when something else is wanted', async () => {
    const node = modelledNode()
    const { keeper, wanted } = keeping(node)
    await until(() => node.looks === 1)
    wanted.current = wantedState()
    keeper.nudge('look')
    await until(() => keeper.observed().standings[0]?.isAsWanted)
  })

  it('is as wanted where the engine refuses a probe only for what it keeps of the network itself', async () => {
    const node = modelledNode()
    const said = 'answered 500: network dm-uind9p40oq0l is already using parent interface eth1'
    node.stepError = { do: 'prove-network', error: new Fault('write-rejected', said) }
    const { keeper, wanted } = keeping(node, { wanted: wantedState() })
    await until(() => keeper.observed().standings[0]?.faults[0]?.code === 'engine-refused')
    wanted.current = wantedState({ networks: [{ ...vlan40, networkId: 'uind9p40oq0lz5x7m2c8v1b4n' }] })
    keeper.nudge('look')
    await until(() => keeper.observed().standings[0]?.isAsWanted)
  })

  it('says what ends it where the engine does not let go of what is to go', async () => {
    const node = modelledNode()
    const { keeper, wanted } = keeping(node, { wanted: wantedState(), timing: { lookEveryMs: 10 } })
    await until(() => keeper.observed().standings[0]?.isAsWanted)
    const said = 'answered 403: error while removing network: configuration network "vlan40_config" is in use'
    node.stepError = { do: 'remove-network', error: new Fault('write-rejected', said) }
    wanted.current = wantedState({ revision: 8, networks: [{ ...vlan40, presence: 'absent' }] })
    await until(() => keeper.observed().standings[0]?.faults[0]?.code === 'engine-keeps')
    node.stepError = undefined
    await until(() => keeper.observed().standings[0]?.isAsWanted)
    expect(node.state.networks).toEqual([])
  })

  it('is left alone by what is wanted of another', async () => {
    const node = modelledNode()
    const { keeper } = keeping(node, { wanted: wantedState({ nodeId: 'node-1-before' }) })
    await until(() => keeper.observed().isEngineSeen)
    keeper.nudge('look')
    await until(() => node.looks >= 2)
    expect(node.steps).toEqual([])
    expect(keeper.observed().standings).toEqual([])
  })

  it('stops at a step that fails, says why once, and goes on when it works', async () => {
    const node = modelledNode()
    node.stepError = { do: 'make-shim', error: new HostFault('busy', 'a bridge has it') }
    const { keeper, lines } = keeping(node, { wanted: wantedState(), timing: { lookEveryMs: 10 } })
    await until(() => node.looks > 6)
    expect(keeper.observed().standings[0]).toMatchObject({
      isAsWanted: false,
      faults: [{ code: 'busy', message: 'a bridge has it' }],
    })
    expect(lines.filter(({ event }) => event === 'network-fault')).toHaveLength(1)
    node.stepError = undefined
    await until(() => keeper.observed().standings[0]?.isAsWanted)
  })

  it.each([
    {
      step: 'make-vlan' as const,
      error: new HostFault('kind-unknown', 'Unknown device type.'),
      code: 'vlan-impossible',
    },
    {
      step: 'make-shim' as const,
      error: new HostFault('kind-unknown', 'Unknown device type.'),
      code: 'driver-impossible',
    },
    { step: 'create-network' as const, error: new Fault('write-rejected', 'it overlaps'), code: 'engine-refused' },
    { step: 'create-network' as const, error: new Fault('engine-unavailable', 'away'), code: 'engine-away' },
  ])('says $code where $step cannot be done', async ({ step, error, code }) => {
    const node = modelledNode()
    node.stepError = { do: step, error }
    const parent = step === 'make-vlan' ? 'eth1.40' : 'eth1'
    const { keeper } = keeping(node, { wanted: wantedState({ networks: [{ ...vlan40, parent }] }) })
    await until(() => keeper.observed().standings[0]?.faults.some((fault) => fault.code === code))
  })

  it('keeps one network though another cannot be had', async () => {
    const node = modelledNode()
    const other = {
      ...vlan40,
      name: 'other',
      configName: 'other_config',
      parent: 'eth9',
      ipv4: { subnet: '10.9.0.0/16', range: '10.9.1.0/24', aux: {} },
    }
    const { keeper } = keeping(node, { wanted: wantedState({ networks: [other, vlan40] }) })
    await until(() => keeper.observed().standings[1]?.isAsWanted)
    expect(keeper.observed().standings[0]?.faults).toMatchObject([{ code: 'parent-missing' }])
  })
})

describe('an engine that is away', () => {
  it('is waited for, and what was seen of it stays', async () => {
    const node = modelledNode()
    const { keeper, lines } = keeping(node, { wanted: wantedState(), timing: { lookEveryMs: 10 } })
    await until(() => keeper.observed().standings[0]?.isAsWanted)
    node.engineError = away
    node.tell('disconnected')
    await until(() => keeper.observed().faults.length > 0)
    expect(keeper.observed()).toMatchObject({
      faults: [{ code: 'engine-away' }],
      networks: [{ name: 'vlan40_config' }],
      standings: [
        { name: 'vlan40', isAsWanted: false, faults: [{ code: 'engine-away' }], shim: { name: 'shim-vlan40' } },
      ],
    })
    node.engineError = undefined
    node.tell('connected')
    await until(() => keeper.observed().standings[0]?.isAsWanted)
    expect(keeper.observed().faults).toEqual([])
    const faults = lines.filter(({ event }) => event.startsWith('agent-fault'))
    expect(faults).toMatchObject([{ event: 'agent-fault', level: 'warn' }, { event: 'agent-fault-over' }])
    expect(node.steps).toHaveLength(8)
  })

  it('that was never seen has nothing that could be told of it', async () => {
    const node = modelledNode()
    node.engineError = away
    const { keeper } = keeping(node, { wanted: wantedState() })
    await until(() => keeper.observed().faults.length > 0)
    expect(keeper.observed()).toMatchObject({ facts: undefined, isEngineSeen: false })
    node.engineError = undefined
    node.tell('connected')
    await until(() => keeper.observed().standings[0]?.isAsWanted)
  })

  it('is in no swarm: nothing is done, and that is said', async () => {
    const node = modelledNode()
    node.facts = { ...node.facts, nodeId: '', swarmState: 'inactive', managers: [] }
    const { keeper } = keeping(node, { wanted: wantedState({ nodeId: '' }) })
    await until(() => keeper.observed().faults.some(({ code }) => code === 'no-swarm'))
    expect(node.steps).toEqual([])
  })
})

describe('a host without iproute2', () => {
  it('is reported with what the engine has', async () => {
    const node = modelledNode({ networks: [network('some_config')] })
    node.hostError = new HostFault('ip-missing', 'install iproute2')
    const { keeper } = keeping(node, { wanted: wantedState() })
    await until(() => keeper.observed().faults.length > 0)
    expect(keeper.observed()).toMatchObject({
      isEngineSeen: true,
      networks: [{ name: 'some_config' }],
      faults: [{ code: 'ip-missing' }],
      standings: [{ isAsWanted: false, faults: [{ code: 'ip-missing' }] }],
    })
  })
})

describe('containers', () => {
  it('are seen at once, without a look at anything else', async () => {
    const node = modelledNode()
    const { keeper, changes } = keeping(node)
    await until(() => keeper.observed().isEngineSeen)
    const [looks, before] = [node.looks, changes()]
    const container = {
      id: 'c1',
      name: 'web.1',
      state: 'running',
      addresses: [{ network: 'vlan40', address: '172.80.1.1' }],
    }
    node.state = { ...node.state, containers: [container] }
    for (let event = 0; event < 20; event += 1) node.tell('container')
    await until(() => changes() > before)
    expect(keeper.observed().containers).toEqual([container])
    expect(node.looks).toBe(looks)
    expect(changes()).toBe(before + 1)
  })

  it('of Swarm are measured every few seconds while they run, and others are not', async () => {
    const node = modelledNode()
    const task = { id: 'c1', name: 'web.1', state: 'running', taskId: 't1', addresses: [] }
    node.state = {
      ...node.state,
      containers: [
        task,
        { ...task, id: 'c2', state: 'exited' },
        { id: 'c3', name: 'by-hand', state: 'running', addresses: [] },
      ],
    }
    const { keeper } = keeping(node, { timing: { usageEveryMs: 10 } })
    await until(() => keeper.observed().usage.size > 0)
    expect([...keeper.observed().usage]).toEqual([['c1', { cpuPercent: 12.5, memoryBytes: 1024 }]])
  })
})
