import { Value } from '@sinclair/typebox/value'
import { describe, expect, it } from 'vitest'
import { wantedOf } from '../../../../src/bootstrap/record/node-part.ts'
import type { AllocationChange, NetworkRecord, NodeAllocation } from '../../../../src/bootstrap/record/record.ts'
import { WantedStateSchema } from '../../../../src/swarm/wanted.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'
import { allocation, byNodeId, definition, family, family6, record } from '../../../support/builders/networks.ts'

const wanted = (over: Partial<NodeAllocation>, more: Partial<NetworkRecord> = {}) => {
  const one = record({ allocations: byNodeId([allocation('a', '172.80.1.0/24', over)]), ...more })
  const state = wantedOf({ nodeId: 'id-a', records: new Map([['vlan40', one]]), revision: 42 })
  expect(Value.Check(WantedStateSchema, state)).toBe(true)
  return state.networks[0]
}

const change = (stage: AllocationChange['stage']): AllocationChange => ({
  range: '172.80.9.0/24',
  parent: 'eth1',
  availabilityBefore: 'active',
  stage,
  startedAtMs: NOW,
})

describe('what is wanted of a node', () => {
  it('is its allocation of each network, by name, at the revision of the records', () => {
    const other = record({
      definition: definition({ name: 'dmz', configName: 'dmz_net', ipv4: family(), ipv6: family6() }),
      allocations: byNodeId([
        allocation('a', '172.80.2.0/24', { range6: 'fd00:40:0:0:2::/80', parent: 'auto' }),
        allocation('b', '172.80.3.0/24'),
      ]),
    })
    const mine = record({ allocations: byNodeId([allocation('a', '172.80.1.0/24')]) })
    const records = new Map([
      ['vlan40', mine],
      ['dmz', other],
    ])
    expect(wantedOf({ nodeId: 'id-a', records, revision: 42 })).toMatchObject({
      v: 1,
      nodeId: 'id-a',
      revision: 42,
      networks: [
        {
          name: 'dmz',
          configName: 'dmz_net',
          parent: 'auto',
          ipv4: { range: '172.80.2.0/24' },
          ipv6: {
            subnet: 'fd00:40::/64',
            gateway: 'fd00:40::1',
            range: 'fd00:40:0:0:2::/80',
            shim: 'fd00:40::2:0:0:1',
          },
        },
        {
          name: 'vlan40',
          configName: 'vlan40_config',
          presence: 'present',
          driver: 'macvlan',
          parent: 'bond0.40',
          ipv4: {
            subnet: '172.80.0.0/16',
            gateway: '172.80.0.1',
            range: '172.80.1.0/24',
            aux: { 'orrery-first': '172.80.1.0', 'orrery-last': '172.80.1.255', 'orrery-shim': '172.80.1.1' },
            shim: '172.80.1.1',
          },
          isAdopted: false,
          mayRecreate: false,
        },
      ],
    })
  })

  it('is nothing of a network in which it has no allocation, rather than its absence', () => {
    const records = new Map([['vlan40', record({ allocations: byNodeId([allocation('b', '172.80.1.0/24')]) })]])
    expect(wantedOf({ nodeId: 'id-a', records, revision: 1 }).networks).toEqual([])
  })

  it('is the absence of a network that is being removed', () => {
    expect(wanted({}, { phase: 'removing' })).toMatchObject({ presence: 'absent', mayRecreate: false })
  })

  it('is what it has while it is drained, and the new one once it may be recreated', () => {
    expect(wanted({ change: change('draining') })).toMatchObject({
      parent: 'bond0.40',
      mayRecreate: false,
      ipv4: { range: '172.80.1.0/24' },
    })
    expect(wanted({ change: change('recreating') })).toMatchObject({
      parent: 'eth1',
      mayRecreate: true,
      ipv4: { range: '172.80.9.0/24', shim: '172.80.9.1' },
    })
  })

  it('is what was found of a network that was taken over, until it is made again', () => {
    const adopted = { isAdopted: true, aux: { printer: '172.80.1.9' } }
    const found = wanted(adopted)
    expect(found).toMatchObject({ isAdopted: true, ipv4: { aux: { printer: '172.80.1.9' } } })
    expect(found?.ipv4.aux).toEqual({ printer: '172.80.1.9' })
    expect(found?.ipv4.shim).toBeUndefined()
    expect(wanted({ ...adopted, change: change('recreating') })).toMatchObject({
      ipv4: { aux: { 'orrery-first': '172.80.9.0' }, shim: '172.80.9.1' },
    })
  })

  it('is no address of IPv6 where the network has none any more, or the allocation none yet', () => {
    expect(wanted({ range6: 'fd00:40:0:0:2::/80' })?.ipv6).toBeUndefined()
    expect(wanted({}, { definition: definition({ ipv6: family6() }) })?.ipv6).toBeUndefined()
  })
})
