import { describe, expect, it } from 'vitest'
import { checkDefinitions } from '../../../../src/bootstrap/definition/check-definitions.ts'
import type { NetworkDefinition } from '../../../../src/bootstrap/definition/definition.ts'
import { definition, family, family6 } from '../../../support/builders/networks.ts'

const one = { file: 'one.yaml', definition: definition({ ipv6: family6() }) }
const other = (over: Partial<NetworkDefinition>) => ({
  file: 'other.yaml',
  definition: definition({
    name: 'lab',
    configName: 'lab_config',
    parent: 'eth1',
    ipv4: family({ subnet: '10.70.0.0/16', gateway: '10.70.0.1', pool: [{ first: '10.70.1.0', last: '10.70.9.255' }] }),
    ...over,
  }),
})
const check = (over: Partial<NetworkDefinition>) => checkDefinitions({ files: [one, other(over)], issues: [] })

describe('two definitions', () => {
  it('that have nothing in common stand side by side', () => {
    expect(check({})).toEqual({ files: [one, other({})], issues: [] })
  })

  it.each([
    {
      name: 'one name',
      over: { name: 'vlan40' },
      messages: ['vlan40 is defined in other.yaml too; one file is one network'],
    },
    {
      name: 'one config-only network',
      over: { configName: 'vlan40_config' },
      messages: ['vlan40_config is used in other.yaml too; each network needs a config-only network of its own'],
    },
    {
      name: "the other's name for their config-only network",
      over: { configName: 'vlan40' },
      messages: ['vlan40_config is used in other.yaml too; each network needs a config-only network of its own'],
    },
    {
      name: 'overlapping subnets',
      over: {
        ipv4: family({
          subnet: '172.80.128.0/17',
          gateway: '172.80.128.1',
          pool: [{ first: '172.80.201.0', last: '172.80.209.255' }],
        }),
      },
      messages: [
        "172.80.0.0/16 overlaps with 172.80.128.0/17 of lab in other.yaml; a node's engine takes one network for a subnet: define one network, or give each a subnet of its own",
      ],
    },
    {
      name: 'overlapping pools',
      over: { ipv6: family6({ subnet: 'fd00:40::/72' }) },
      messages: [
        "fd00:40::/64 overlaps with fd00:40::/72 of lab in other.yaml; a node's engine takes one network for a subnet: define one network, or give each a subnet of its own",
        'fd00:40:0:0:1::-fd00:40::ffff:ffff:ffff:ffff may be given by lab in other.yaml too; two containers would have one address',
      ],
    },
    {
      name: 'macvlan and ipvlan on one parent',
      over: { driver: 'ipvlan', parent: 'bond0.40' },
      messages: [
        'bond0.40 is the parent of an ipvlan network in other.yaml too; a link carries macvlan or ipvlan, not both: use one driver, or another parent',
      ],
    },
  ] as const)('with $name define nothing, neither of them, and keep their names', ({ over, messages }) => {
    const { files, issues } = check(over)
    expect(issues.filter(({ file }) => file === 'one.yaml').map(({ message }) => message)).toEqual(messages)
    expect(issues.filter(({ file }) => file === 'other.yaml')).toHaveLength(messages.length)
    expect(issues.every(({ level, value }) => level === 'error' && value !== undefined)).toBe(true)
    expect(files).toEqual([
      { file: 'one.yaml', name: 'vlan40' },
      { file: 'other.yaml', name: other(over).definition.name },
    ])
  })

  it('allocation a parent where both are macvlan, and may both leave it to the agent', () => {
    expect(check({ parent: 'bond0.40' }).issues).toEqual([])
    const auto = { file: 'auto.yaml', definition: definition({ parent: 'auto' }) }
    expect(checkDefinitions({ files: [auto, other({ parent: 'auto', driver: 'ipvlan' })], issues: [] }).issues).toEqual(
      [],
    )
  })

  it('of which one has mistakes of its own have one name all the same', () => {
    const broken = { file: 'broken.yaml', name: 'vlan40' }
    const { files, issues } = checkDefinitions({ files: [one, broken], issues: [] })
    expect(files).toEqual([{ file: 'one.yaml', name: 'vlan40' }, broken])
    expect(issues.map(({ file }) => file)).toEqual(['one.yaml', 'broken.yaml'])
  })

  it('do not hide what was known of the folder', () => {
    const known = { file: 'x', level: 'warning' as const, message: 'said before' }
    expect(checkDefinitions({ files: [], issues: [known], fault: 'away' })).toEqual({
      files: [],
      issues: [known],
      fault: 'away',
    })
  })
})
