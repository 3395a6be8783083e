/** What is said of network files. */
import { parseDefinitionYaml } from '../../../src/adapters/files/parse-definition-yaml.ts'
import { checkDefinitions } from '../../../src/bootstrap/definition/check-definitions.ts'
import { readDefinition } from '../../../src/bootstrap/definition/read-definition.ts'
import { type RemedyCase, remediesOf } from './remedy.ts'

type Fields = Readonly<Record<string, unknown>>

const SOUND = {
  name: 'vlan40',
  parent: 'eth1',
  subnet: '10.40.0.0/16',
  gateway: '10.40.0.1',
  pool: ['10.40.1.0-10.40.200.255'],
  range: '24',
}
const SIX = { subnet6: 'fd00:40::/64', gateway6: 'fd00:40::1', pool6: ['fd00:40:0:0:100::/72'], range6: '80' }
const OTHER = { ...SOUND, name: 'other', subnet: '10.41.0.0/16', gateway: '10.41.0.1', pool: ['10.41.1.0/24'] }

const without = (field: string, fields: Fields = SOUND): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => name !== field))

/** A file each; everything that is told of them. */
const told = (files: readonly unknown[]) => {
  const read = files.map((fields, at) => ({ file: `${at}.yaml`, ...readDefinition(`${at}.yaml`, fields) }))
  const issues = read.flatMap((one) => one.issues)
  return checkDefinitions({ files: read.map(({ issues: _, ...file }) => file), issues }).issues.map(
    ({ field, message }) => `${field}: ${message}`,
  )
}

/** Of one file: what is wrong on top of a sound one, and what is right instead. */
const one = (over: Fields, says: RegExp, ...mends: readonly ((...groups: readonly string[]) => Fields)[]) => ({
  bad: [{ ...SOUND, ...over }],
  says,
  mends: mends.map((mend) => (...groups: readonly string[]) => [{ ...SOUND, ...mend(...groups) }]),
})
const absent = (field: string, says: RegExp, ...mends: readonly ((...groups: readonly string[]) => Fields)[]) => ({
  ...one({}, says, ...mends),
  bad: [without(field)],
})
const two = (over: Fields, says: RegExp, ...mends: readonly Fields[]): RemedyCase<readonly unknown[]> => ({
  bad: [SOUND, { ...OTHER, ...over }],
  says,
  mends: mends.map((mend) => () => [SOUND, { ...OTHER, ...over, ...mend }]),
})

const files = remediesOf<readonly unknown[]>('a network file', told, [
  one({ gatway: '10.40.0.1' }, /no effect; did you mean `(\w+)`/, (field = '') => ({ [field]: '10.40.0.1' })),
  one({ xyzzyx: '1' }, /no effect; known are name, (config), /, (field = '') => ({ [field]: 'lan' })),
  absent('name', /name.* is missing; write 1 to 41 lower case .*: (\w+)/, (name) => ({ name })),
  one({ name: 'VLAN 40' }, /cannot be the name of a network; write 1 to 41/, () => ({ name: 'a'.repeat(41) })),
  one({ name: 'bridge' }, /one of the engine's own networks; write another name/, () => ({ name: 'bridge2' })),
  one({ config: '-x' }, /cannot be the config .* write at most 63/, () => ({ config: `a${'.'.repeat(62)}` })),
  one({ config: 'vlan40' }, /needs one of its own, such as (\S+)/, (config) => ({ config })),
  one(
    { driver: 'bridge' },
    /write (macvlan) or (ipvlan)/,
    (driver) => ({ driver }),
    (_, driver) => ({ driver }),
  ),
  one({ parent: 'eth0.40@eth0' }, /what stands before the @: write (\S+)/, (parent) => ({ parent })),
  one(
    { parent: 'eth 0' },
    /not the name of a link; write one such as (\S+) or (\S+), or (auto)/,
    (parent) => ({ parent }),
    (_, parent) => ({ parent }),
    (_, __, parent) => ({ parent }),
  ),
  one({ parent: 'enp0s31f6np0d1f1' }, /a link's name at most (\d+); give the link a shorter/, (most) => ({
    parent: 'enp0s31f6np0d1f1'.slice(0, Number(most)),
  })),
  one({ parent: 'eth0.4095' }, /VLAN id 4095, and those go from (1) to (\d+)/, (least, most) => ({
    parent: `eth${least}.${most}`,
  })),
  {
    bad: ['vlan40'],
    says: /fields and their values are needed: `name: (\w+)`/,
    mends: [(name) => [{ ...SOUND, name }]],
  },
  one({ gateway: '10.40.255.255' }, /is the last address of .* write the router's/, () => ({ gateway: '10.40.0.1' })),
  one({ gateway: '10.40.0.0' }, /is the first address of .* write the router's/, () => ({ gateway: '10.40.0.1' })),
  absent('gateway', /gateway.* is missing: engines before 29/, () => ({ gateway: '10.40.0.1' })),
  absent('range', /range.* is missing; write one node's range as a prefix length, such as (\d+)/, (range) => ({
    range,
  })),
  one(
    { range: '10.40.1.0/25' },
    /block where a prefix length is needed; write (\d+) here, .* under `(pool)`/,
    (range, pool = '') => ({ range, [pool]: ['10.40.1.0/25'] }),
  ),
  one({ range: 'twenty' }, /is not a prefix length; write a whole number such as (\d+)/, (range) => ({ range })),
  one({ range: '12' }, /larger than the subnet 10.40.0.0\/16; write (\d+) or more/, (range) => ({
    range,
    pool: ['10.40.128.0/17'],
  })),
  absent('subnet', /subnet.* is missing; write the subnet of the LAN, .* such as (\S+)/, (subnet) => ({ subnet })),
  one(
    { gateway: 'fd00:40::1' },
    /is an IPv6 address where IPv4 is needed; those belong into `(\w+)`/,
    (field = '') => ({
      ...SIX,
      [field]: 'fd00:40::1',
    }),
  ),
  one({ subnet: 'the LAN' }, /is not a CIDR; write an address and a prefix length, such as (\S+)/, (subnet = '') => ({
    subnet,
    gateway: '10.40.1.1',
    pool: [subnet],
    range: '26',
  })),
  one({ subnet: '10.40.3.4/16' }, /has host bits set; write (\S+), the/, (subnet) => ({ subnet })),
  one(
    { gateway: '10.40.0.1/16' },
    /is not an address; write one without a prefix length, such as (\S+)/,
    (gateway) => ({
      gateway,
    }),
  ),
  one(
    { pool: ['10.40.1.x'] },
    /neither a CIDR nor from-to; write (\S+), or its first and last address with a - between/,
    (block) => ({ pool: [block] }),
    () => ({ pool: ['10.40.1.0-10.40.1.255'] }),
  ),
  one({ pool: ['10.40.9.255-10.40.1.0'] }, /ends before it begins; write (\S+)/, (span) => ({ pool: [span] })),
  one(
    { pool: ['10.41.1.0/24'] },
    /lies outside the subnet 10.40.0.0\/16, which is (\S+); write addresses in there, or the subnet that holds both/,
    (span) => ({ pool: [span] }),
    () => ({ subnet: '10.40.0.0/15', pool: ['10.41.1.0/24'] }),
  ),
  one({ pool: { a: '10.40.1.0/24' } }, /is a mapping; write a list, such as \[(\S+)\]/, (block) => ({ pool: [block] })),
  one({ pool: ['10.40.1.0/24', '10.40.1.0/25'] }, /overlaps with .*; what is in both counts once/, () => ({
    pool: ['10.40.1.0/24'],
  })),
  one({ subnet: '127.0.0.0/16' }, /no host can have .* write the subnet of the LAN/, () => ({})),
  one({ subnet: '169.254.0.0/16' }, /holds link-local addresses .* write the subnet of the LAN/, () => ({})),
  one({ ...SIX, subnet6: 'fd00:40::/60' }, /is larger than \/64: .*; write (\S+), or another/, (subnet6) => ({
    ...SIX,
    subnet6,
  })),
  one(
    { subnet: '11.80.0.0/16', gateway: '11.80.0.1', pool: ['11.80.1.0/24'] },
    /is public address space: .*; private is (\S+)\/8, (\S+)\/12 or (\S+)\/16/,
    ...[0, 1, 2].map((which) => (...private_: readonly string[]) => {
      const net = private_[which]?.split('.').slice(0, 2).join('.')
      return { subnet: `${net}.0.0/16`, gateway: `${net}.0.1`, pool: [`${net}.1.0/24`] }
    }),
  ),
  one(
    { nodes: ['10.40.1.0/24'] },
    /not a mapping; write host names .*, such as \{(\w+): (\S+)\}/,
    (host = '', range) => ({
      nodes: { [host]: range },
    }),
  ),
  one({ nodes: { 'my host': '10.40.1.0/24' } }, /my host is neither a host name nor a node id/, () => ({
    nodes: { 'my-host': '10.40.1.0/24' },
  })),
  one({ range: '31' }, /leaves no address for containers, after the range's edges.* write (\d+) or less/, (range) => ({
    range,
  })),
  one(
    { range: '32', edges: 'use' },
    /leaves no address for containers, after the range's.* write (\d+) or less/,
    (range) => ({
      range,
      edges: 'use',
    }),
  ),
  one({ nodes: { a: '10.40.0.0/24' } }, /holds the gateway 10.40.0.1; pin another range/, () => ({
    nodes: { a: '10.40.3.0/24' },
  })),
  one(
    { nodes: { a: '10.40.3.0/24' }, reserve: ['10.40.3.7'] },
    /overlaps with the reserve 10.40.3.7; pin another range, or take it out of the reserve/,
    () => ({ nodes: { a: '10.40.4.0/24' }, reserve: ['10.40.3.7'] }),
    () => ({ nodes: { a: '10.40.3.0/24' } }),
  ),
  one(
    { nodes: { a: '10.40.3.0/24', b: '10.40.3.0/25' } },
    /overlaps with .* of a; each node needs a range of its own/,
    () => ({ nodes: { a: '10.40.3.0/24', b: '10.40.4.0/25' } }),
  ),
  one(
    { nodes: { a: '10.40.3.0/31' } },
    /leaves no address for containers, after its edges.* pin a larger range/,
    () => ({
      nodes: { a: '10.40.3.0/29' },
    }),
  ),
  one(
    { ...SIX, nodes6: { a: 'fd00:40:0:0:ffff::/80' } },
    /ends with the subnet: engines of 20.10 then give no address; pin another range/,
    () => ({ ...SIX, nodes6: { a: 'fd00:40:0:0:a::/80' } }),
  ),
  one(
    { pool: ['10.40.1.0/25'] },
    /too small for one range of \/24; make it larger, or `(range)` longer/,
    () => ({ pool: ['10.40.1.0/24'] }),
    (field = '') => ({ pool: ['10.40.1.0/25'], [field]: '25' }),
  ),
  one(
    { pool: ['10.40.0.0/24'] },
    /has no room for one range of \/24 beside .*; make it larger, or `(range)` longer/,
    () => ({ pool: ['10.40.0.0/23'] }),
    (field = '') => ({ pool: ['10.40.0.0/24'], [field]: '25' }),
  ),
  {
    bad: [without('pool')],
    says: /pool.* is missing; write what may be given to nodes, such as \[(\S+)\] .*, or pin each node under `(nodes)`/,
    mends: [
      (span) => [{ ...SOUND, pool: [span] }],
      (_, field = '') => [{ ...without('pool'), [field]: { a: '10.40.3.0/24' } }],
    ],
  },
  two({ config: 'vlan40' }, /is used in 0.yaml too; each network needs a config-only network of its own/, {
    config: 'other_config',
  }),
  {
    ...two(
      { subnet: '10.40.0.0/17', gateway: '10.40.0.1', pool: ['10.40.1.0/24'] },
      /one network for a subnet: define one network, or give each a subnet of its own/,
      OTHER,
    ),
    mends: [() => [SOUND], () => [SOUND, OTHER]],
  },
  two(
    { driver: 'ipvlan' },
    /carries macvlan or ipvlan, not both: use one driver, or another parent/,
    { driver: 'macvlan' },
    { parent: 'eth2' },
  ),
  two({ name: 'vlan40', config: 'other_net' }, /vlan40 is defined in 0.yaml too; one file is one network/, {
    name: 'other',
  }),
])

const read = (text: string) => {
  const parsed = parseDefinitionYaml(text)
  return parsed.kind === 'unparsable' ? [parsed.message] : told([parsed.value])
}
const YAML = 'name: vlan40\nsubnet: 10.40.0.0/16\ngateway: 10.40.0.1\npool: [10.40.1.0/24]\nrange: 24\n'

const texts = remediesOf<string>('the text of a network file', read, [
  {
    bad: 'vlan40',
    says: /fields and their values are needed: `(name: vlan40)`/,
    mends: [(line) => `${line}\n${YAML.split('\n').slice(1).join('\n')}`],
  },
  {
    bad: `${YAML}? [a, b]\n: c\n`,
    says: /the name of a field must be plain text/,
    mends: [() => `${YAML}config: c\n`],
  },
  { bad: `${YAML}name: two\n`, says: /name is written twice/, mends: [() => YAML] },
  { bad: `${YAML}---\nname: two\n`, says: /a second document begins; a file is one document/, mends: [() => YAML] },
  {
    bad: `${YAML}config: &a x\nreserve: *a\n`,
    says: /is an alias, which network files do not take/,
    mends: [() => `${YAML}config: x\n`],
  },
])

export const definitionRemedies = [...files, ...texts]
