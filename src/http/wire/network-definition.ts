/** The definition of a network, as its file has it. */
import { type Static, Type } from '@sinclair/typebox'
import type { AddressSpan, FamilyDefinition, NetworkDefinition } from '../../bootstrap/definition/definition.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { enumeration, OptionalText } from './parts.ts'

const Pins = Type.Unsafe<Record<string, string>>({
  type: 'object',
  additionalProperties: { type: 'string' },
  description: 'Host name or id to its range.',
})
const Spans = Type.Array(Type.String(), { description: '`from-to`.' })

export const DefinitionSchema = Type.Object(
  {
    config: Type.String({ description: 'The config-only network on every node.' }),
    driver: enumeration<NetworkDefinition['driver']>({ macvlan: true, ipvlan: true }),
    parent: Type.String(),
    subnet: Type.String(),
    gateway: OptionalText,
    pool: Spans,
    range: Type.Integer({ description: 'One node’s range, as a prefix length.' }),
    reserve: Spans,
    nodes: Pins,
    subnet6: OptionalText,
    gateway6: OptionalText,
    pool6: Type.Optional(Spans),
    range6: Type.Optional(Type.Integer()),
    reserve6: Type.Optional(Spans),
    nodes6: Type.Optional(Pins),
    edges: enumeration<NetworkDefinition['edges']>({ reserve: true, use: true }),
    shim: Type.Boolean(),
    onFault: enumeration<NetworkDefinition['onFault']>({ report: true, pause: true }),
  },
  { description: 'The fields of its file, in canonical form.' },
)

const span = ({ first, last }: AddressSpan): string => `${first}-${last}`

export function wireDefinition(definition: NetworkDefinition): Static<typeof DefinitionSchema> {
  const { configName, driver, parent, ipv4, ipv6, edges, shim, onFault } = definition
  const { subnet, gateway, pool, rangeLength, reserve, pins } = ipv4
  return {
    config: configName,
    driver,
    parent,
    subnet,
    ...withoutUndefined({ gateway }),
    pool: pool.map(span),
    range: rangeLength,
    reserve: reserve.map(span),
    nodes: { ...pins },
    ...(ipv6 && wireFamily6(ipv6)),
    edges,
    shim,
    onFault,
  }
}

function wireFamily6({ subnet, gateway, pool, rangeLength, reserve, pins }: FamilyDefinition) {
  return {
    subnet6: subnet,
    ...withoutUndefined({ gateway6: gateway }),
    pool6: pool.map(span),
    range6: rangeLength,
    reserve6: reserve.map(span),
    nodes6: { ...pins },
  }
}
