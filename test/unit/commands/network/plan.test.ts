import { describe, expect, it } from 'vitest'
import type { PlanProblem } from '../../../../src/bootstrap/plan/words.ts'
import { networkPlan } from '../../../../src/commands/network/plan.ts'
import { aNetworkPlan, aPlan, aPlanRow, fakeConsole, fakeSession } from './fake-session.ts'

const network = 'vlan40'
const pending = aNetworkPlan({
  verdict: 'pending',
  nodes: [
    aPlanRow({ hostname: 'manager1', range: '172.80.1.0/24', shim: '172.80.1.1' }),
    aPlanRow({ action: 'create', reason: 'it has no config-only network yet', isReady: false }),
    {
      nodeId: 'node-3',
      hostname: 'worker2',
      parent: 'bond0.40',
      action: 'none',
      reason: 'it is down',
      isReady: false,
    },
  ],
  steps: [
    {
      do: 'create-network',
      network,
      driver: 'macvlan',
      configFrom: 'vlan40_config',
      text: 'create the network vlan40',
    },
    { do: 'wait', network, node: { id: 'node-1', hostname: 'worker1' }, text: 'label worker1', waitsFor: 'its agent' },
  ],
})
const problem: PlanProblem = {
  network,
  node: { id: 'node-1', hostname: 'worker1' },
  code: 'needs-drain',
  message: 'its range changes; --allow-drain',
}

const planned = async (change: Parameters<typeof fakeSession>[0], options: Parameters<typeof networkPlan>[1] = {}) => {
  const { io, out, err } = fakeConsole()
  const code = await networkPlan(fakeSession(change), options, io)
  return { code, out: out(), err: err() }
}

describe('orrery network plan', () => {
  it('shows every node and the steps that would be taken', async () => {
    const { code, out } = await planned({ bootstrap: { plan: async () => aPlan([pending]) } })
    expect(code).toBe(0)
    expect(out).toBe(`vlan40: pending
┌──────────┬───────────────┬──────────┬──────────┬────────────┬───────┬────────┬───────────────────────────────────┐
│ NODE     │ RANGE         │ CAPACITY │ PARENT   │ SHIM       │ READY │ ACTION │ WHY                               │
├──────────┼───────────────┼──────────┼──────────┼────────────┼───────┼────────┼───────────────────────────────────┤
│ manager1 │ 172.80.1.0/24 │ 253      │ bond0.40 │ 172.80.1.1 │ yes   │ keep   │ it matches                        │
│ worker1  │ 172.80.2.0/24 │ 253      │ bond0.40 │ 172.80.2.1 │ no    │ create │ it has no config-only network yet │
│ worker2  │ -             │ -        │ bond0.40 │ -          │ no    │ none   │ it is down                        │
└──────────┴───────────────┴──────────┴──────────┴────────────┴───────┴────────┴───────────────────────────────────┘
  1. create the network vlan40
  2. label worker1 (waits for its agent)

2 steps; \`orrery network apply\` takes them.
`)
  })

  it('asks for what apply would do, with drains only when they are allowed', async () => {
    const wishes: unknown[] = []
    const bootstrap = {
      plan: async (wish: unknown) => {
        wishes.push(wish)
        return aPlan()
      },
    }
    await planned({ bootstrap })
    await planned({ bootstrap }, { allowDrain: true })
    expect(wishes).toEqual([
      { mode: 'apply', allowDrain: false },
      { mode: 'apply', allowDrain: true },
    ])
  })

  const ends: { name: string; plan: ReturnType<typeof aPlan>; code: number; says: string }[] = [
    { name: 'nothing to do', plan: aPlan(), code: 0, says: 'Nothing to do.' },
    { name: 'no network', plan: aPlan([]), code: 0, says: 'No network is defined, and none is active.' },
    {
      name: 'refusals alone',
      plan: aPlan([aNetworkPlan({ verdict: 'refused', problems: [problem] })]),
      code: 1,
      says: '  ! vlan40 on worker1: needs-drain: its range changes; --allow-drain\n\nNothing can be done before 1 problem (!) is fixed.',
    },
    {
      name: 'a part that is refused',
      plan: aPlan([{ ...pending, problems: [problem] }]),
      code: 1,
      says: '2 steps; `orrery network apply` takes them. 1 problem (!) would be left.',
    },
    {
      name: 'an orphan, which is kept',
      plan: aPlan([
        aNetworkPlan({ verdict: 'orphaned', problems: [{ network, code: 'orphaned', message: 'no file' }] }),
      ]),
      code: 0,
      says: 'Nothing to do.',
    },
    {
      name: 'something wrong with the whole Swarm',
      plan: { networks: [], problems: [{ code: 'engine-cannot', message: 'upgrade it' }] },
      code: 1,
      says: '! engine-cannot: upgrade it\nNothing can be done',
    },
  ]
  it.each(ends)('with $name ends with $code', async ({ plan, code, says }) => {
    const done = await planned({ bootstrap: { plan: async () => plan } })
    expect(done.code).toBe(code)
    expect(done.out).toContain(says)
  })

  it('says everything that is wrong with the definitions at once, and plans nothing', async () => {
    const issues = [
      { file: 'vlan40.yaml', field: 'pool[0]', value: '10.90.1.0/24', level: 'error', message: 'outside the subnet' },
      { file: 'vlan41.yaml', level: 'error', message: 'the file cannot be read' },
      { file: 'vlan42.yaml', field: 'subnet', value: '8.8.8.0/24', level: 'warning', message: 'public' },
    ] as const
    const { code, out, err } = await planned({ definitions: { files: [], issues } })
    expect([code, out]).toEqual([1, ''])
    expect(err).toBe(`orrery: error: vlan40.yaml pool[0]=10.90.1.0/24: outside the subnet
orrery: error: vlan41.yaml: the file cannot be read
orrery: warning: vlan42.yaml subnet=8.8.8.0/24: public
orrery: the definitions have 2 errors; nothing was touched
`)
  })

  it('names the folder that is not there', async () => {
    const { code, err } = await planned({
      definitions: { files: [], issues: [], fault: 'the folder networks does not exist' },
    })
    expect(code).toBe(1)
    expect(err).toContain('the folder networks does not exist; ORRERY_NETWORK_DIR names')
  })

  it('says in one line why what only agents know is unknown', async () => {
    const unheard = () => ({ reason: 'no controller answers at http://127.0.0.1:8000', isThere: false })
    const { code, out } = await planned({ unheard, bootstrap: { plan: async () => aPlan() } })
    expect(code).toBe(0)
    expect(out.split('\n')[0]).toBe(
      'What only agents know is unknown here: no controller answers at http://127.0.0.1:8000.',
    )
  })

  it('is JSON for machines, without what is no contract', async () => {
    const unheard = () => ({ reason: 'nobody', isThere: false })
    const { code, out } = await planned(
      { unheard, bootstrap: { plan: async () => aPlan([{ ...pending, problems: [problem] }]) } },
      { json: true },
    )
    expect(code).toBe(1)
    expect(JSON.parse(out)).toEqual({
      networks: [
        {
          name: 'vlan40',
          verdict: 'pending',
          nodes: pending.nodes,
          steps: [
            { do: 'create-network', text: 'create the network vlan40' },
            { do: 'wait', nodeId: 'node-1', hostname: 'worker1', text: 'label worker1', waitsFor: 'its agent' },
          ],
          problems: [
            {
              network: 'vlan40',
              nodeId: 'node-1',
              hostname: 'worker1',
              code: 'needs-drain',
              message: 'its range changes; --allow-drain',
            },
          ],
        },
      ],
      problems: [],
      unknown: 'nobody',
    })
  })
})
