import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFINITION_FIELDS, readDefinition } from '../../../../src/bootstrap/definition/read-definition.ts'

const sound = {
  name: 'vlan40',
  subnet: '10.40.0.0/16',
  gateway: '10.40.0.1',
  pool: ['10.40.1.0-10.40.200.255'],
  range: '24',
}
const sound6 = { subnet6: 'fd00:40::/64', gateway6: 'fd00:40::1', pool6: ['fd00:40:0:0:100::/72'], range6: '80' }

const read = (over: object = {}) => readDefinition('vlan40.yaml', { ...sound, ...over })
/** Field and message of each issue, `warning ` before those that are. */
const told = (over: object) =>
  read(over).issues.map(({ field, level, message }) => `${level === 'error' ? '' : 'warning '}${field}: ${message}`)

describe('a definition', () => {
  it('is read whole, in canonical form', () => {
    const written = {
      ...sound,
      ...sound6,
      config: 'vlan40_net',
      driver: 'ipvlan',
      parent: 'bond0.40',
      pool: ['10.40.1.0/24', ' 10.40.2.0 - 10.40.3.9 ', '10.40.9.9'],
      reserve: '10.40.2.7',
      nodes: { manager1: '10.40.1.0/25', abc123: '10.40.250.0/28' },
      subnet6: 'FD00:0040::/64',
      nodes6: { manager1: 'fd00:40:0:0:a::/80' },
      edges: 'use',
      shim: 'false',
      onFault: 'pause',
    }
    expect(readDefinition('a.yaml', written)).toEqual({
      name: 'vlan40',
      issues: [],
      definition: {
        name: 'vlan40',
        configName: 'vlan40_net',
        driver: 'ipvlan',
        parent: 'bond0.40',
        ipv4: {
          subnet: '10.40.0.0/16',
          gateway: '10.40.0.1',
          pool: [
            { first: '10.40.1.0', last: '10.40.1.255' },
            { first: '10.40.2.0', last: '10.40.3.9' },
            { first: '10.40.9.9', last: '10.40.9.9' },
          ],
          rangeLength: 24,
          reserve: [{ first: '10.40.2.7', last: '10.40.2.7' }],
          pins: { manager1: '10.40.1.0/25', abc123: '10.40.250.0/28' },
        },
        ipv6: {
          subnet: 'fd00:40::/64',
          gateway: 'fd00:40::1',
          pool: [{ first: 'fd00:40:0:0:100::', last: 'fd00:40::1ff:ffff:ffff:ffff' }],
          rangeLength: 80,
          reserve: [],
          pins: { manager1: 'fd00:40:0:0:a::/80' },
        },
        edges: 'use',
        shim: false,
        onFault: 'pause',
      },
    })
  })

  it('may hold numbers and booleans as well as their texts', () => {
    expect(read({ range: 24, shim: false }).definition).toMatchObject({ shim: false, ipv4: { rangeLength: 24 } })
  })

  it('takes a field that is written and left empty for one that is not written', () => {
    expect(read({ config: '', reserve: null, nodes: '' })).toEqual(read())
  })

  it.each([
    {
      name: "the article's own example: ranges of 10.90.1.0/24 in the subnet 172.80.0.0/16",
      over: {
        subnet: '172.80.0.0/16',
        gateway: '172.80.0.1',
        pool: ['10.90.1.0/24'],
        nodes: { host1: '10.90.1.0/24' },
      },
      issues: [
        'warning subnet: 172.80.0.0/16 is public address space: unless it is yours, hosts lose the way to whoever has it; private is 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16',
        'pool[0]: 10.90.1.0/24 lies outside the subnet 172.80.0.0/16, which is 172.80.0.0-172.80.255.255; write addresses in there, or the subnet that holds both',
        'nodes.host1: 10.90.1.0/24 lies outside the subnet 172.80.0.0/16, which is 172.80.0.0-172.80.255.255; write addresses in there, or the subnet that holds both',
      ],
    },
    {
      name: 'host bits, and the block that was meant',
      over: { subnet: '10.40.0.9/16', pool: ['10.40.1.1/24'], nodes: { a: '10.40.5.5/28' } },
      issues: [
        'subnet: 10.40.0.9/16 has host bits set; write 10.40.0.0/16, the /16 that it is in',
        'pool[0]: 10.40.1.1/24 has host bits set; write 10.40.1.0/24, the /24 that it is in',
        'nodes.a: 10.40.5.5/28 has host bits set; write 10.40.5.0/28, the /28 that it is in',
      ],
    },
    {
      name: 'pins on the gateway, the reserve and each other',
      over: {
        reserve: ['10.40.9.0/24'],
        nodes: { a: '10.40.0.0/24', b: '10.40.8.0/23', c: '10.40.5.0/24', d: '10.40.5.128/25' },
      },
      issues: [
        'nodes.a: 10.40.0.0/24 holds the gateway 10.40.0.1; pin another range',
        'nodes.b: 10.40.8.0/23 overlaps with the reserve 10.40.9.0-10.40.9.255; pin another range, or take it out of the reserve',
        'nodes.d: 10.40.5.128/25 overlaps with 10.40.5.0/24 of c; each node needs a range of its own',
      ],
    },
    {
      name: 'a gateway elsewhere',
      over: { gateway: '10.41.0.1' },
      issues: [
        'gateway: 10.41.0.1 lies outside the subnet 10.40.0.0/16, which is 10.40.0.0-10.40.255.255; write addresses in there, or the subnet that holds both',
      ],
    },
    {
      name: 'a gateway that no host can be',
      over: { gateway: '10.40.255.255' },
      issues: [
        "gateway: 10.40.255.255 is the last address of 10.40.0.0/16, which no host can have; write the router's",
      ],
    },
    {
      name: 'no gateway',
      over: { gateway: undefined },
      issues: [
        'warning gateway: `gateway` is missing: engines before 29 then make the first address of each range the gateway of its containers',
      ],
    },
    {
      name: 'a range too small to leave an address, and a pin',
      over: { range: '31', nodes: { a: '10.40.5.0/31' } },
      issues: [
        "range: 31 leaves no address for containers, after the range's edges, the shim and what the engine keeps; write 30 or less",
        'nodes.a: 10.40.5.0/31 leaves no address for containers, after its edges, the shim and what the engine keeps; pin a larger range',
      ],
    },
    { name: 'a /32 with nothing held back', over: { range: '32', edges: 'use', shim: 'false' }, issues: [] },
    {
      name: 'a range larger than the subnet',
      over: { range: '8' },
      issues: ['range: 8 makes a range larger than the subnet 10.40.0.0/16; write 17 or more'],
    },
    {
      name: 'a block for a range',
      over: { range: '10.40.1.0/24' },
      issues: [
        'range: 10.40.1.0/24 is a block where a prefix length is needed; write 24 here, and what may be given to nodes under `pool`',
      ],
    },
    {
      name: 'a pool too small for one range',
      over: { pool: ['10.40.1.128-10.40.2.127'] },
      issues: ['pool: 10.40.1.128-10.40.2.127 is too small for one range of /24; make it larger, or `range` longer'],
    },
    {
      name: 'a pool that is all gateway and reserve',
      over: { pool: ['10.40.0.0/23'], reserve: ['10.40.1.7'] },
      issues: [
        'pool: 10.40.0.0-10.40.1.255 has no room for one range of /24 beside the gateway and the reserve; make it larger, or `range` longer',
      ],
    },
    {
      name: 'a pool with overlapping parts',
      over: { pool: ['10.40.1.0/24', '10.40.1.128/25'] },
      issues: [
        'warning pool: 10.40.1.128-10.40.1.255 overlaps with 10.40.1.0-10.40.1.255; what is in both counts once',
      ],
    },
    {
      name: 'no pool and no pins',
      over: { pool: undefined },
      issues: [
        'pool: `pool` is missing; write what may be given to nodes, such as [10.40.0.0-10.40.255.255] if nobody else uses the subnet, or pin each node under `nodes`',
      ],
    },
    { name: 'no pool and pins', over: { pool: undefined, nodes: { a: '10.40.5.0/24' } }, issues: [] },
    {
      name: 'one family where the other belongs',
      over: { gateway: 'fd00:40::1', pool: ['fd00:40::/72'], ...sound6, range6: '80', nodes6: { a: '10.40.5.0/24' } },
      issues: [
        'gateway: fd00:40::1 is an IPv6 address where IPv4 is needed; those belong into `gateway6`',
        'pool[0]: fd00:40::/72 is an IPv6 address where IPv4 is needed; those belong into `pool6`',
        'nodes6.a: 10.40.5.0/24 is an IPv4 address where IPv6 is needed; those belong into `nodes`',
      ],
    },
    {
      name: 'IPv6 without a subnet',
      over: { range6: '80', pool6: ['fd00:40::/72'] },
      issues: [
        'subnet6: `subnet6` is missing; write the subnet of the LAN, the same on every node, such as fd00:40::/64',
      ],
    },
    {
      name: 'an IPv6 subnet that older engines count wrongly in',
      over: { ...sound6, subnet6: 'fd00:40::/48' },
      issues: [
        "subnet6: fd00:40::/48 is larger than /64: older engines then give addresses outside a node's range; write fd00:40::/64, or another /64 of it",
      ],
    },
    {
      name: 'addresses that no host can have',
      over: { subnet: '224.0.0.0/16' },
      issues: [
        'subnet: 224.0.0.0/16 holds addresses that no host can have (multicast, loopback or reserved); write the subnet of the LAN',
      ],
    },
    {
      name: 'addresses that hosts give themselves',
      over: { subnet: '169.254.0.0/16', gateway: '169.254.0.1', pool: ['169.254.1.0/24'] },
      issues: [
        'subnet: 169.254.0.0/16 holds link-local addresses (169.254.0.0/16), which hosts give themselves and no router forwards; write the subnet of the LAN',
      ],
    },
    {
      name: 'a link as ip(8) shows it',
      over: { parent: 'eth0.40@eth0' },
      issues: [
        'parent: eth0.40@eth0 is how ip(8) shows a link and what it is on; its name is what stands before the @: write eth0.40',
      ],
    },
    {
      name: 'a name that Swarm or a label could not carry',
      over: { name: 'VLAN 40' },
      issues: [
        'name: VLAN 40 cannot be the name of a network; write 1 to 41 lower case letters, digits, _ and -, beginning with a letter or digit',
      ],
    },
    {
      name: "the engine's own name",
      over: { name: 'ingress' },
      issues: ["name: ingress is one of the engine's own networks; write another name"],
    },
    {
      name: 'one name for both networks',
      over: { config: 'vlan40' },
      issues: [
        'config: vlan40 is the name of the swarm network too; the config-only network needs one of its own, such as vlan40_config',
      ],
    },
    {
      name: 'a parent with a long name and an impossible VLAN',
      over: { parent: 'enp129s0f0np0.4095' },
      issues: [
        "parent: enp129s0f0np0.4095 has 18 characters, and a link's name at most 15; give the link a shorter name",
        'parent: enp129s0f0np0.4095 has the VLAN id 4095, and those go from 1 to 4094',
      ],
    },
    {
      name: 'VLAN 0',
      over: { parent: 'eth0.0' },
      issues: ['parent: eth0.0 has the VLAN id 0, and those go from 1 to 4094'],
    },
    {
      name: 'words that are none of the choices',
      over: { driver: 'bridge', edges: 'yes', shim: 'no', onFault: 'drain' },
      issues: [
        'driver: bridge is not a value of `driver`; write macvlan or ipvlan',
        'edges: yes is not a value of `edges`; write reserve or use',
        'shim: no is not a value of `shim`; write true or false',
        'onFault: drain is not a value of `onFault`; write report or pause',
      ],
    },
    {
      name: 'unknown fields, with what may have been meant',
      over: { gatway: '10.40.0.1', colour: 'blue' },
      issues: [
        'warning gatway: `gatway` is not a field of a network definition and has no effect; did you mean `gateway`?',
        `warning colour: \`colour\` is not a field of a network definition and has no effect; known are ${DEFINITION_FIELDS.map(({ name }) => name).join(', ')}`,
      ],
    },
    {
      name: "lists and mappings in each other's place",
      over: { subnet: ['10.40.0.0/16'], nodes: ['10.40.5.0/24'], pool: { from: '10.40.1.0' } },
      issues: [
        'subnet: […] is not a CIDR; write an address and a prefix length, such as 10.40.1.0/24',
        'pool: {…} is a mapping; write a list, such as [10.40.1.0/24]',
        'nodes: […] is not a mapping; write host names or node ids with their ranges, such as {manager1: 10.40.1.0/24}',
      ],
    },
  ])('is told $name', ({ over, issues }) => {
    expect(told(over)).toEqual(issues)
    const hasError = issues.some((issue) => !issue.startsWith('warning '))
    expect(read(over).definition === undefined).toBe(hasError)
  })

  it('is told every mistake at once, with file, field and value', () => {
    const { name, definition, issues } = readDefinition('bad.yaml', { subnet: 'x', pool: '9-1', parent: '' })
    expect({ name, definition }).toEqual({ name: undefined, definition: undefined })
    expect(issues).toEqual([
      expect.objectContaining({ file: 'bad.yaml', field: 'name', level: 'error' }),
      expect.objectContaining({ file: 'bad.yaml', field: 'subnet', value: 'x', level: 'error' }),
      expect.objectContaining({ file: 'bad.yaml', field: 'pool', value: '9-1', level: 'error' }),
      expect.objectContaining({ file: 'bad.yaml', field: 'range', level: 'error' }),
    ])
  })

  it('keeps its name when everything else is wrong', () => {
    expect(read({ subnet: 'x' })).toMatchObject({ name: 'vlan40' })
  })

  it('never throws, and defines nothing where it tells an error, whatever is written', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '10.40.0.0/16',
        '10.40.1.0/24',
        '10.40.0.1',
        'fd00:40::/64',
        'fd00:40::1',
        '24',
        '0',
        '-1',
        'true',
        'auto',
        '10.40.1.0-10.40.9.255',
        '::/0',
        '0.0.0.0/0',
        '128',
      ),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    )
    const content = fc.oneof(word, fc.array(word, { maxLength: 3 }), fc.dictionary(fc.string(), word, { maxKeys: 3 }))
    const fields = fc.dictionary(fc.constantFrom(...DEFINITION_FIELDS.map(({ name }) => name), '__proto__'), content)
    fc.assert(
      fc.property(
        fc.oneof(
          fields,
          fields.map((some) => ({ ...sound, ...some })),
          fc.anything(),
        ),
        (value) => {
          const { definition, issues } = readDefinition('a.yaml', value)
          if (definition !== undefined) expect(issues.filter(({ level }) => level === 'error')).toEqual([])
          else expect(issues.some(({ level }) => level === 'error')).toBe(true)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
