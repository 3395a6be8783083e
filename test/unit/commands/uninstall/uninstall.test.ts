import { describe, expect, it } from 'vitest'
import type { Installed } from '../../../../src/adapters/swarm/installation/installation.ts'
import type { NetworkView } from '../../../../src/bootstrap/network.ts'
import type { Bootstrap } from '../../../../src/bootstrap/reconcile/open-bootstrap.ts'
import { type UninstallOptions, uninstall } from '../../../../src/commands/uninstall/uninstall.ts'
import { aNetwork, fakeNetworks } from '../../../support/builders/network-views.ts'
import { aPlan, aResult, fakeConsole, fakeSession } from '../network/fake-session.ts'

const EMPTY: Installed = {
  ...{ cluster: 'swarm1', hostnames: ['worker1'] },
  ...{
    services: [],
    configs: [],
    secrets: [],
    labelled: [],
    volumes: [],
    operatorLabels: [],
    users: new Map(),
    networks: new Set(),
  },
}
const FULL: Installed = {
  ...{ cluster: 'swarm1', hostnames: ['worker1'] },
  services: [
    { id: 'c', name: 'orrery_controller' },
    { id: 'a', name: 'orrery_agent' },
  ],
  configs: [{ id: 'k', name: 'orrery-state' }],
  secrets: [{ id: 's', name: 'orrery-tokens' }],
  labelled: [
    { kind: 'service', id: 'w', name: 'web', labels: ['autoscaler.state'], isInUse: false, version: 1, spec: {} },
  ],
  volumes: ['orrery_agent'],
  operatorLabels: ['worker1 orrery.parent.vlan40'],
  users: new Map(),
  networks: new Set(['vlan40', 'ingress']),
}

interface World {
  readonly installed?: Installed
  readonly networks?: readonly string[]
  readonly remove?: Bootstrap['remove']
  readonly unheard?: string
  /** Tasks that still run, at each look. */
  readonly running?: number[]
  readonly controller?: string
  readonly leavesConsul?: boolean
  /** The controller answers again after so many looks. */
  readonly backAfter?: number
  /** Meanwhile it answers, and says that it is not ready. */
  readonly passes?: true
  readonly conditions?: NetworkView['conditions']
}

async function run(world: World, options: UninstallOptions = { yes: true }) {
  const { installed = FULL, networks = [], running = [], unheard } = world
  const did: string[] = []
  let looks = 0
  const { io, out, err } = fakeConsole()
  const views = networks.map((name) => aNetwork({ name, ...(world.conditions && { conditions: world.conditions }) }))
  const session = fakeSession({
    bootstrap: {
      plan: async () => aPlan([]),
      remove:
        world.remove ??
        (async ({ network, isLast }) => {
          did.push(`network ${network}${isLast ? '' : ', and its record'}`)
          return aResult({ outcome: 'done' })
        }),
    },
    catalog: () => ({ ...fakeNetworks(), networks: () => views }),
    ...(unheard !== undefined && {
      unheard: () =>
        looks++ < (world.backAfter ?? Number.POSITIVE_INFINITY)
          ? { reason: unheard, ...(world.passes ? { isThere: true, passes: true } : { isThere: false }) }
          : undefined,
    }),
  })
  const installation = {
    look: async () => installed,
    running: async () => {
      did.push('look whether tasks run')
      return running.shift() ?? 0
    },
    remove: async (kind: string, id: string) => {
      did.push(`${kind} ${id}`)
      return { kind: 'committed' } as const
    },
    unlabel: async ({ name }: { readonly name: string }) => {
      did.push(`label of ${name}`)
      return { kind: 'committed' } as const
    },
  }
  const controllerThere = async () => world.controller
  const leaveConsul = async ({ cluster }: { readonly cluster: string }) => {
    did.push(`Consul without ${cluster}`)
    return 3
  }
  const consul = world.leavesConsul ? { leaveConsul } : {}
  const awayMs = world.backAfter === undefined ? 0 : 10_000
  const code = await uninstall({ session, installation, controllerThere, awayMs, ...consul }, options, io)
  return { code, did, out: out(), err: err() }
}

describe('orrery uninstall', () => {
  it('shows the plan and what is left to do by hand, and touches nothing', async () => {
    const { code, did, out } = await run({ networks: ['vlan40'] }, {})
    expect([code, did]).toEqual([0, []])
    expect(out).toBe(`  1. remove the network vlan40: what its agents made on every node, the swarm network, labels
  2. remove the services orrery_agent, orrery_controller
  3. take autoscaler.state from the service web
  4. remove the config orrery-state
  5. remove the secret orrery-tokens
By hand afterwards:
  on every node: docker volume rm orrery_agent
  docker node update --label-rm orrery.parent.vlan40 worker1
  policy labels (autoscaler.…) and files go with the stack files that have them; they do nothing now
Nothing was touched; \`orrery uninstall --yes\` does it.
`)
  })

  it('takes networks away while agents live, and labels once no controller can write them again', async () => {
    const { code, did, out } = await run({ networks: ['vlan40', 'vlan50'], running: [2] })
    expect(code).toBe(0)
    expect(did).toEqual([
      ...['network vlan40', 'network vlan50', 'service c', 'service a'],
      ...['look whether tasks run', 'look whether tasks run', 'label of web', 'config k', 'secret s'],
    ])
    expect(out).toContain("Done: nothing of Orrery's is left in the Swarm.\n")
    expect(out).toContain('on every node: docker volume rm orrery_agent')
  })

  it('goes no further than a network that is not away: its agents are still needed', async () => {
    const remove = async () =>
      aResult({ outcome: 'waiting', reason: 'Nothing has changed', left: ['worker1 is silent'] })
    const { code, did, out } = await run({ networks: ['vlan40'], remove })
    expect([code, did]).toEqual([1, []])
    expect(out).toContain(
      'Not finished; run it again when this is done:\n  left: Nothing has changed\n  left: worker1 is silent',
    )
  })

  it.each([
    {
      name: 'a service uses a network',
      world: { networks: ['vlan40'], installed: { ...FULL, users: new Map([['vlan40', ['web', 'api']]]) } },
      says: '! The network vlan40 is used by api, web: remove them, or take the network from them.',
    },
    {
      name: 'nobody says what agents did',
      world: { networks: ['vlan40'], unheard: 'no controller answers' },
      says: '! Whether agents have taken their part of vlan40 away is not known: no controller answers.',
    },
    {
      name: 'the controllers have a Consul, and the command has none',
      world: { installed: { ...FULL, consul: 'http://10.0.0.9:8500' } },
      says: '! The controllers write to Consul: give CONSUL_HTTP_ADDR=http://10.0.0.9:8500 here too',
    },
  ])('touches nothing while $name', async ({ world, says }) => {
    const { code, did, out } = await run(world)
    expect([code, did]).toEqual([1, []])
    expect(out).toContain(says)
    expect(out).toContain('Refused, nothing was touched.')
  })

  it('leaves labels alone while a controller still runs somewhere', async () => {
    const { code, did, out } = await run({ controller: 'http://127.0.0.1:8000' })
    expect(code).toBe(1)
    expect(did).toEqual(['service c', 'service a', 'look whether tasks run'])
    expect(out).toContain('left: a controller at http://127.0.0.1:8000 still runs')
  })

  it('leaves a service in a rollout alone, and keeps the configs for the next run', async () => {
    const labelled = FULL.labelled.map((one) => ({ ...one, isInUse: true }))
    const { code, did, out } = await run({ installed: { ...FULL, labelled } })
    expect(code).toBe(1)
    expect(did).not.toContain('label of web')
    expect(did).not.toContain('config k')
    expect(out).toContain('left: web keeps autoscaler.state: an update of it runs or is paused')
  })

  it('takes the entries out of Consul when no controller can write them again', async () => {
    const { code, did, out } = await run({ leavesConsul: true })
    expect(code).toBe(0)
    expect(did.slice(2, 5)).toEqual(['look whether tasks run', 'Consul without swarm1', 'label of web'])
    expect(out).toContain('Consul: 3 entries and nodes taken out')
  })

  it('goes on where a run was interrupted after the networks, though no agent can say any more that they are gone', async () => {
    const networks = ['vlan40']
    const installed = { ...FULL, services: [], networks: new Set(['ingress']) }
    const conditions = [{ type: 'Removing', status: true, reason: '', sinceMs: 0 }] as const
    const again = await run({ networks, conditions, installed, unheard: 'no controller answers' })
    expect([again.code, again.did]).toEqual([0, ['look whether tasks run', 'label of web', 'config k', 'secret s']])
    // Nobody knows whether the agents had done theirs.
    const node = { kind: 'node', id: 'n', name: 'worker1', labels: ['orrery.network.vlan40'], isInUse: false } as const
    const labelled = [{ ...node, version: 1, spec: {} }]
    for (const early of [
      { ...installed, labelled },
      { ...installed, networks: new Set(['vlan40']) },
    ])
      expect((await run({ networks, conditions, installed: early, unheard: 'no controller answers' })).code).toBe(1)
  })

  it('waits for a controller that is being replaced', async () => {
    for (const passes of [undefined, true] as const) {
      const world = { networks: ['vlan40'], unheard: 'no controller answers', backAfter: 1, ...(passes && { passes }) }
      expect((await run(world)).code).toBe(0)
    }
    const { code, did } = await run({ networks: ['vlan40'], unheard: 'no controller answers', backAfter: 1 })
    expect([code, did[0]]).toEqual([0, 'network vlan40'])
  })

  it('finds nothing to do', async () => {
    const { code, out } = await run({ installed: EMPTY })
    expect(code).toBe(0)
    expect(out).toContain("Nothing of Orrery's is in this Swarm.")
  })

  it('says it all as JSON, with its progress on standard error', async () => {
    const { out, err } = await run({}, { yes: true, json: true })
    expect(JSON.parse(out)).toMatchObject({
      left: [],
      refusals: [],
      done: expect.arrayContaining(['secret orrery-tokens removed']),
    })
    expect(err).toContain('service orrery_controller removed')
    expect(JSON.parse((await run({}, { json: true })).out)).toMatchObject({ done: [], steps: expect.any(Array) })
  })
})
