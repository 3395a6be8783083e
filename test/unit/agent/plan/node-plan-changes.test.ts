import { describe, expect, it } from 'vitest'
import type { NodeObservation } from '../../../../src/agent/plan/host.ts'
import type { WantedNetwork } from '../../../../src/swarm/wanted.ts'
import { wantedNetwork } from '../../../support/builders/networks.ts'
import { link, network, observation } from '../modelled-host.ts'
import { doings, kept, made, plan, withContainer } from './plan-fixture.ts'

describe('a config-only network of ours that is to be another', () => {
  const moved = () => {
    const { ipv4 } = wantedNetwork()
    return wantedNetwork({
      mayRecreate: true,
      ipv4: { ...ipv4, range: '172.80.2.0/24', aux: { 'orrery-shim': '172.80.2.254' }, shim: '172.80.2.254' },
    })
  }

  it('is made anew where the node is drained for that, and the shim follows', () => {
    expect(doings(plan(moved(), made()))).toEqual([
      'remove-network',
      'create-network',
      'remove-address',
      'remove-route',
      'ask-for-address',
      'add-address',
      'set-route',
    ])
    const end = kept([moved()], made())
    expect(plan(moved(), end)).toMatchObject({ steps: [], faults: [] })
  })

  it('waits while a container is attached', () => {
    expect(plan(moved(), withContainer(made()))).toMatchObject({ steps: [], faults: [{ code: 'in-use' }], attached: 1 })
  })

  it('is left alone without leave', () => {
    expect(plan({ ...moved(), mayRecreate: false }, made())).toMatchObject({
      steps: [],
      faults: [{ code: 'network-different' }],
    })
  })

  it('goes to another parent with its shim, and the old parent is as it was', () => {
    const elsewhere = wantedNetwork({ mayRecreate: true, parent: 'eth0' })
    const end = kept([elsewhere], made())
    expect(plan(elsewhere, end)).toMatchObject({ steps: [], faults: [] })
    expect(end.links.find(({ name }) => name === 'shim-vlan40')?.lower).toBe('eth0')
    expect(end.links.find(({ name }) => name === 'eth1')?.isPromiscuous).toBe(false)
  })

  it('is ours without a label when the record says that it was adopted', () => {
    const { networks } = made()
    const unlabelled = observation({ networks: networks.map((one) => ({ ...one, labels: {} })) })
    expect(plan(wantedNetwork({ isAdopted: true }), unlabelled).faults).toEqual([])
    expect(plan(wantedNetwork(), unlabelled).faults).toEqual([expect.objectContaining({ code: 'network-foreign' })])
  })

  it('is taken over once, and goes only where it was', () => {
    const byHand = observation({ networks: made().networks.map((one) => ({ ...one, labels: {} })) })
    const [{ id, name } = { id: '', name: '' }] = byHand.networks
    const adopted = wantedNetwork({ isAdopted: true })
    const gone = wantedNetwork({ isAdopted: true, presence: 'absent' })
    const recreated = wantedNetwork({ isAdopted: true, mayRecreate: true, parent: 'eth0' })
    for (const wanted of [gone, recreated]) {
      const planned = plan(wanted, byHand)
      expect(doings(planned)).not.toContain('remove-network')
      expect(planned.faults).toEqual([
        expect.objectContaining({
          code: 'network-foreign',
          message: expect.stringContaining('docker network rm vlan40_config'),
        }),
      ])
    }
    expect(plan(adopted, byHand).steps).toContainEqual({ do: 'adopt-network', id, name })
    const takenOver = kept([adopted], byHand)
    expect(doings(plan(adopted, takenOver))).toEqual([])
    expect(kept([gone], takenOver).networks).toEqual([])
    expect(kept([recreated], takenOver).networks).toMatchObject([{ options: { parent: 'eth0' } }])
  })
})

/** What an engine was seen to make is remembered, and nothing of the host. */
const ofHost = (state: NodeObservation): NodeObservation => ({ ...state, proven: new Map() })

describe('a network that is to go', () => {
  const absent = (over: Partial<WantedNetwork> = {}) => wantedNetwork({ presence: 'absent', ...over })

  it('goes with everything that was made for it', () => {
    for (const parent of ['eth1', 'eth1.40']) {
      expect(ofHost(kept([absent({ parent })], made(wantedNetwork({ parent }))))).toEqual(
        observation({ promiscuousByUs: expect.any(Set) }),
      )
    }
  })

  it('stays while a container is attached', () => {
    const planned = plan(absent(), withContainer(made()))
    expect(planned).toMatchObject({ steps: [], faults: [{ code: 'in-use' }], attached: 1 })
  })

  it('leaves a parent promiscuous that was so before', () => {
    const before = observation()
    const promiscuous = {
      ...before,
      links: before.links.map((one) => ({ ...one, isPromiscuous: one.name === 'eth1' })),
    }
    expect(ofHost(kept([absent()], made(wantedNetwork(), promiscuous)))).toEqual(promiscuous)
  })

  it('leaves what another network still needs', () => {
    const second = wantedNetwork({
      name: 'vlan40b',
      configName: 'vlan40b_config',
      parent: 'eth1.40',
      ipv4: { subnet: '10.9.0.0/16', range: '10.9.1.0/24', aux: {} },
    })
    const first = wantedNetwork({ parent: 'eth1.40' })
    const both = kept([first, second], observation())
    const end = kept([absent({ parent: 'eth1.40' }), second], both)
    expect(end.links.find(({ name }) => name === 'eth1.40')).toMatchObject({ isPromiscuous: true })
    const forgotten = kept([absent({ parent: 'eth1.40' })], both)
    expect(forgotten.links.map(({ name }) => name)).toContain('eth1.40')
  })

  it('leaves links alone while containers are on a network whose link nobody can tell', () => {
    const both = made(wantedNetwork({ parent: 'eth1.40' }))
    const orphans = network('orphans', { driver: 'macvlan', scope: 'swarm', configOnly: false, configFrom: 'gone' })
    const containers = [{ addresses: [{ network: 'orphans', address: '10.9.1.1' }] }]
    const end = kept([absent({ parent: 'eth1.40' })], { ...both, networks: [...both.networks, orphans], containers })
    expect(end.networks).toEqual([orphans])
    expect(end.links.map(({ name }) => name)).toContain('eth1.40')
  })

  it('leaves what somebody else made under its names', () => {
    const foreign = observation({
      links: [
        ...observation().links,
        link('shim-vlan40', { kind: 'macvlan', lower: 'eth1' }),
        link('eth1.40', { kind: 'vlan', lower: 'eth1' }),
      ],
      networks: [network('vlan40_config', { options: { parent: 'eth1.40' } })],
    })
    expect(plan(absent({ parent: 'eth1.40' }), foreign)).toMatchObject({ steps: [], faults: [] })
  })
})
