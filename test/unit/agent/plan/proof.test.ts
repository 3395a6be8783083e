import { describe, expect, it } from 'vitest'
import { withLostLinks } from '../../../../src/agent/plan/build-report.ts'
import type { NodeObservation } from '../../../../src/agent/plan/host.ts'
import { refusedProof } from '../../../../src/agent/plan/proof.ts'
import { wantedNetwork } from '../../../support/builders/networks.ts'
import { network } from '../modelled-host.ts'
import { doings, made, plan, withContainer } from './plan-fixture.ts'

const also = (before: NodeObservation, ...names: string[]): NodeObservation => ({
  ...before,
  networks: [
    ...before.networks,
    ...names.map((name) =>
      network(name, {
        driver: 'macvlan',
        scope: 'local',
        configOnly: false,
        options: { parent: 'eth1' },
        subnets: [{ subnet: '10.9.0.0/16', aux: {} }],
      }),
    ),
  ],
})

describe('what an engine would refuse a task', () => {
  it('is found by making the network once, and again when the engine has other networks', () => {
    const before = { ...made(), proven: new Map() }
    expect(doings(plan(wantedNetwork(), before))).toEqual(['prove-network'])
    expect(plan(wantedNetwork(), made()).steps).toEqual([])
    expect(doings(plan(wantedNetwork(), also(made(), 'by-hand')))).toEqual(['prove-network'])
  })

  it('is not looked for where a container shows that it works, nor before all is as it should be', () => {
    expect(plan(wantedNetwork(), withContainer({ ...made(), proven: new Map() })).steps).toEqual([])
    const changed = wantedNetwork({ ipv4: { ...wantedNetwork().ipv4, range: '172.80.9.0/24', aux: {} } })
    expect(doings(plan(changed, { ...made(), proven: new Map() }))).not.toContain('prove-network')
  })

  it('is told with the networks that may be in the way, and what to do', () => {
    const [step] = plan(wantedNetwork(), also(made(), 'by-hand')).steps
    if (step?.do !== 'prove-network') throw new Error('no proof was planned')
    expect(refusedProof(step, 'already using parent interface eth1.').message).toBe(
      'The engine would refuse every task of "vlan40" (already using parent interface eth1). In the way may be by-hand (macvlan): remove what is not needed (docker network rm), or define another subnet or parent.',
    )
    expect(refusedProof({ ...step, suspects: [] }, 'No.').message).toContain('docker network ls')
  })
})

describe('what an agent that was killed left of its proof', () => {
  const probe = (name = 'orrery-probe-vlan40', configFrom = 'vlan40_config') =>
    network(name, { driver: 'macvlan', scope: 'local', configOnly: false, configFrom, subnets: [] })
  const withProbe = (before: NodeObservation, left = probe()): NodeObservation => ({
    ...before,
    networks: [...before.networks, left],
  })
  const removal = { do: 'remove-network', id: probe().id, name: probe().name }

  it.each([
    { name: 'all is as it should be', wanted: wantedNetwork(), before: made() },
    { name: 'the parent is gone', wanted: wantedNetwork({ parent: 'eth7' }), before: made() },
    { name: 'the engine has a local network of the name', wanted: wantedNetwork(), before: also(made(), 'vlan40') },
    { name: 'a task runs', wanted: wantedNetwork(), before: withContainer(made()) },
    { name: 'the network goes', wanted: wantedNetwork({ presence: 'absent' }), before: made() },
  ])('goes first when $name', ({ wanted, before }) => {
    expect(plan(wanted, withProbe(before)).steps[0]).toEqual(removal)
  })

  it('is told by its name together with what it is made from: whatever else has such a name stays', () => {
    for (const other of [
      probe('orrery-probe-vlan40', 'theirs'),
      probe('orrery-probe-other'),
      probe('my-probe-vlan40'),
    ]) {
      expect(doings(plan(wantedNetwork(), withProbe(made(), other)))).not.toContain('remove-network')
    }
  })
})

describe('a link that is gone from a running task', () => {
  const container = (id: string, state = 'running') => ({
    id,
    name: id,
    state,
    taskName: `web.${id}`,
    serviceName: 'web',
    addresses: [{ network: 'vlan40', address: '172.80.1.7' }],
  })
  const status = { name: 'vlan40', isAsWanted: true, faults: [], mended: [], attached: 2 }
  const lost = new Map([['1', { hasLostLink: true as const }]])

  it('is told by task, with what gives it one again', () => {
    const told = withLostLinks(status, { containers: [container('1'), container('2')], usage: lost })
    expect(told).toMatchObject({ isAsWanted: false, faults: [{ code: 'link-lost' }] })
    expect(told.faults[0]?.message).toContain('web.1 has lost the link')
    expect(told.faults[0]?.message).toContain('docker service update --force web')
  })

  it('is nothing of a container that has ended, or that is on another network', () => {
    expect(withLostLinks(status, { containers: [container('1', 'exited'), container('2')], usage: lost })).toBe(status)
    const other = { ...status, name: 'second' }
    expect(withLostLinks(other, { containers: [container('1')], usage: lost })).toBe(other)
  })
})
