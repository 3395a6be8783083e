/** The shapes of the labels of a record. Fields that are not named may be there: a newer version's. Pure. */
import { Type } from '@sinclair/typebox'

const Text = Type.String()
const Span = Type.Object({ first: Text, last: Text })
const AddressesByName = Type.Record(Text, Text)
const Availability = Type.Union([Type.Literal('active'), Type.Literal('pause'), Type.Literal('drain')])
/** 1 is this version; a newer one adds fields, and changes the meaning of none. */
const v = Type.Integer({ minimum: 1 })

const FamilySchema = Type.Object({
  subnet: Text,
  gateway: Type.Optional(Text),
  pool: Type.Array(Span),
  rangeLength: Type.Integer({ minimum: 0, maximum: 128 }),
  reserve: Type.Array(Span),
  pins: Type.Record(Text, Text),
})

export const NetworkDefinitionSchema = Type.Object({
  name: Text,
  configName: Text,
  driver: Type.Union([Type.Literal('macvlan'), Type.Literal('ipvlan')]),
  parent: Text,
  ipv4: FamilySchema,
  ipv6: Type.Optional(FamilySchema),
  edges: Type.Union([Type.Literal('reserve'), Type.Literal('use')]),
  shim: Type.Boolean(),
  onFault: Type.Union([Type.Literal('report'), Type.Literal('pause')]),
})

/** `definition`. */
export const DefinitionEntrySchema = Type.Object({
  v,
  phase: Type.Union([Type.Literal('present'), Type.Literal('removing')]),
  isAdopted: Type.Boolean(),
  definition: NetworkDefinitionSchema,
})

const ChangeSchema = Type.Object({
  range: Text,
  range6: Type.Optional(Text),
  parent: Text,
  availabilityBefore: Availability,
  stage: Type.Union([Type.Literal('waiting'), Type.Literal('draining'), Type.Literal('recreating')]),
  startedAtMs: Type.Number(),
})

/** `node.<id>`. */
export const ShareEntrySchema = Type.Object({
  v,
  nodeId: Text,
  hostname: Text,
  range: Text,
  range6: Type.Optional(Text),
  parent: Text,
  givenAtMs: Type.Number(),
  isAdopted: Type.Boolean(),
  aux: Type.Optional(AddressesByName),
  aux6: Type.Optional(AddressesByName),
  change: Type.Optional(ChangeSchema),
  pausedFrom: Type.Optional(Availability),
})

/** `freed.<range>`, with the IPv6 range after a comma. */
export const FreedEntrySchema = Type.Object({
  v,
  range: Text,
  range6: Type.Optional(Text),
  nodeId: Text,
  hostname: Text,
  freedAtMs: Type.Number(),
  isAdopted: Type.Optional(Type.Boolean()),
  aux: Type.Optional(AddressesByName),
  aux6: Type.Optional(AddressesByName),
})
