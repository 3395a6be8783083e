/**
 * A network's record as the labels of its Swarm config: `definition`, `node.<id>` for each allocation, `freed.<ranges>` for
 * each freed range; values are JSON with `v`. What a newer version wrote is read as far as it can be, and its labels and
 * fields stay. What cannot be read is never taken for empty: a range in use would be given again. Pure, total.
 */
import { type Static, type TObject, type TSchema, Type, TypeGuard } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { parseAddress, parseBlock } from '../../foundation/address.ts'
import { type SeenAt, UNSEEN } from '../../foundation/clock.ts'
import { isJsonObject, parseJsonObject } from '../../foundation/stored-json.ts'
import type { AddressSpan, FamilyDefinition } from '../definition/definition.ts'
import { type FreedRange, formatRangeLabel, type NetworkRecord, type NodeAllocation } from './record.ts'

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

const NetworkDefinitionSchema = Type.Object({
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
const DefinitionEntrySchema = Type.Object({
  v,
  phase: Type.Union([Type.Literal('present'), Type.Literal('removing')]),
  uninstalling: Type.Optional(Type.Literal(true)),
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

const MachineSchema = Type.Object({ engineId: Text, macs: Type.Array(Text) })

/** `node.<id>`. */
const AllocationEntrySchema = Type.Object({
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
  machine: Type.Optional(MachineSchema),
})

/** `freed.<range>`, with the IPv6 range after a comma. */
const FreedEntrySchema = Type.Object({
  v,
  range: Text,
  range6: Type.Optional(Text),
  nodeId: Text,
  hostname: Text,
  freedAtMs: Type.Number(),
  machine: Type.Optional(MachineSchema),
  isAdopted: Type.Optional(Type.Boolean()),
  aux: Type.Optional(AddressesByName),
  aux6: Type.Optional(AddressesByName),
})

type Labels = Readonly<Record<string, string>>

const VERSION = 1
const DEFINITION = 'definition'
const NODE = 'node.'
const FREED = 'freed.'

class Unreadable extends Error {}

/** Throws Unreadable. Fields that the schema does not know are left out. */
const readEntry = <Schema extends TSchema>(schema: Schema, label: string, text: string): Static<Schema> => {
  const value: unknown = parseJsonObject(text)
  if (value === undefined) throw new Unreadable(`the label ${label} is not a JSON object`)
  const [error] = Value.Errors(schema, value)
  if (error !== undefined) throw new Unreadable(`the label ${label} at ${error.path || '/'}: ${error.message}`)
  const cleaned: unknown = Value.Clean(schema, value)
  if (Value.Check(schema, cleaned)) return cleaned
  throw new Unreadable(`the label ${label} cannot be understood`)
}

type Texts = Readonly<Record<string, string>> | undefined

/** Throws Unreadable unless every text is an address or a block as it should be: all arithmetic relies on it. */
const checkTexts = (label: string, { blocks4 = [], blocks6 = [], addresses = [] }: ToCheck) => {
  const fail = (text: string): never => {
    throw new Unreadable(`the label ${label} has ${JSON.stringify(text)} where an address or a range is needed`)
  }
  for (const text of blocks4) if (text !== undefined && parseBlock(text)?.family !== 4) fail(text)
  for (const text of blocks6) if (text !== undefined && parseBlock(text)?.family !== 6) fail(text)
  for (const text of addresses) if (text !== undefined && parseAddress(text) === undefined) fail(text)
}

interface ToCheck {
  readonly blocks4?: readonly (string | undefined)[]
  readonly blocks6?: readonly (string | undefined)[]
  readonly addresses?: readonly (string | undefined)[]
}

const values = (texts: Texts): readonly string[] => (texts === undefined ? [] : Object.values(texts))

const ends = (spans: readonly AddressSpan[]): readonly string[] => spans.flatMap(({ first, last }) => [first, last])

const checkFamily = (family: FamilyDefinition | undefined, blocks: 'blocks4' | 'blocks6') => {
  if (family === undefined) return
  const { subnet, gateway, pool, reserve, pins } = family
  const addresses = [gateway, ...ends(pool), ...ends(reserve)]
  checkTexts(DEFINITION, { [blocks]: [subnet, ...values(pins)], addresses })
}

const readDefinitionEntry = (text: string): Omit<NetworkRecord, 'allocations' | 'freed'> => {
  const { v: _, ...entry } = readEntry(DefinitionEntrySchema, DEFINITION, text)
  checkFamily(entry.definition.ipv4, 'blocks4')
  checkFamily(entry.definition.ipv6, 'blocks6')
  return entry
}

const readAllocation = (label: string, text: string): NodeAllocation => {
  const { v: _, ...allocation } = readEntry(AllocationEntrySchema, label, text)
  if (label !== `${NODE}${allocation.nodeId}`)
    throw new Unreadable(`the label ${label} is of another node, ${allocation.nodeId}`)
  checkTexts(label, {
    blocks4: [allocation.range, allocation.change?.range],
    blocks6: [allocation.range6, allocation.change?.range6],
    addresses: [...values(allocation.aux), ...values(allocation.aux6)],
  })
  return allocation
}

const readFreed = (label: string, text: string): FreedRange => {
  const { v: _, ...freed } = readEntry(FreedEntrySchema, label, text)
  const addresses = [...values(freed.aux), ...values(freed.aux6)]
  checkTexts(label, { blocks4: [freed.range], blocks6: [freed.range6], addresses })
  return freed
}

/**
 * The reason in words, where the labels cannot be understood. Never throws. No range was freed later than this controller first
 * saw it: of a clock that is ahead it would be held back for longer than the quarantine.
 */
const decode = (labels: Labels, seenAtMs: SeenAt = UNSEEN): NetworkRecord | { readonly unreadable: string } => {
  try {
    const { [DEFINITION]: text } = labels
    if (text === undefined) throw new Unreadable(`the label ${DEFINITION} is missing`)
    const entries = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1))
    const of = (prefix: string) => entries.filter(([label]) => label.startsWith(prefix))
    const allocations = of(NODE).map(([label, entry]) => readAllocation(label, entry))
    const freed = of(FREED).map(([label, entry]) => aged(readFreed(label, entry), seenAtMs(label)))
    return {
      ...readDefinitionEntry(text),
      allocations: new Map(allocations.map((allocation) => [allocation.nodeId, allocation])),
      freed: freed.sort((one, other) => one.freedAtMs - other.freedAtMs),
    }
  } catch (error) {
    if (error instanceof Unreadable) return { unreadable: error.message }
    throw error
  }
}

const aged = (freed: FreedRange, seenAtMs: number): FreedRange =>
  freed.freedAtMs <= seenAtMs ? freed : { ...freed, freedAtMs: seenAtMs }

/** `next`, with the fields of `before` that this version does not know. */
const keepUnknown = (schema: TSchema, before: unknown, next: unknown): unknown => {
  if (!TypeGuard.IsObject(schema) || !isJsonObject(before) || !isJsonObject(next)) return next
  const { properties }: TObject = schema
  const unknown = Object.entries(before).filter(([field]) => !Object.hasOwn(properties, field))
  const known = Object.entries(next).map(([field, value]) => {
    const ofField = Object.hasOwn(properties, field) ? properties[field] : undefined
    return [field, ofField === undefined ? value : keepUnknown(ofField, before[field], value)] as const
  })
  return Object.fromEntries([...known, ...unknown])
}

/** The text that was there, when it says the same. */
const writeEntry = (schema: TSchema, entry: object, before: string | undefined): string => {
  const old = parseJsonObject(before)
  const v = typeof old?.v === 'number' && old.v > VERSION ? old.v : VERSION
  const next = keepUnknown(schema, old, { v, ...entry })
  return before !== undefined && Value.Equal(old, next) ? before : JSON.stringify(next)
}

const isOurs = (label: string): boolean => label === DEFINITION || label.startsWith(NODE) || label.startsWith(FREED)

const encode = ({ allocations, freed, ...head }: NetworkRecord, labels: Labels, seenAtMs: SeenAt = UNSEEN): Labels => {
  const write = (label: string, schema: TSchema, entry: object): [string, string] => [
    label,
    writeEntry(schema, entry, Object.hasOwn(labels, label) ? labels[label] : undefined),
  ]
  return Object.fromEntries([
    ...Object.entries(labels).filter(([label]) => !isOurs(label)),
    write(DEFINITION, DefinitionEntrySchema, head),
    ...[...allocations.values()].map((allocation) =>
      write(`${NODE}${allocation.nodeId}`, AllocationEntrySchema, allocation),
    ),
    ...freed.map((entry) => {
      const label = `${FREED}${formatRangeLabel(entry)}`
      const written = parseJsonObject(labels[label])?.freedAtMs
      const isAged =
        typeof written === 'number' &&
        aged({ ...entry, freedAtMs: written }, seenAtMs(label)).freedAtMs === entry.freedAtMs
      return write(label, FreedEntrySchema, isAged ? { ...entry, freedAtMs: written } : entry)
    }),
  ])
}

/**
 * `decode`: freed ranges come in the order in which they were freed. `encode` takes the labels that were read, so that
 * what it does not know stays; a text that says the same stays as it is.
 */
export const recordCodec = { decode, encode }
