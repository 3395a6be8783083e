/**
 * What controllers want of one node: the answer to its report. The agent acts on the highest revision that it was ever
 * given and keeps that on disk, so that a reboot without any controller still brings everything back.
 */
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

const Text = Type.String({ maxLength: 1024 })

/** One address family. Addresses and blocks as text, in canonical form. */
const WantedFamilySchema = Type.Object({
  subnet: Text,
  gateway: Type.Optional(Text),
  /** This node's share of the subnet. */
  range: Text,
  /** Name to address, inside the range: never given to a container. The shim's address and the edges are among them. */
  aux: Type.Record(Text, Text),
  /** The host's own address on the shim; absent when the definition wants no shim. */
  shim: Type.Optional(Text),
})

const WantedNetworkSchema = Type.Object({
  name: Text,
  /** Its config-only network. */
  configName: Text,
  /**
   * `absent`: everything of it that is ours goes, once no container is attached. What is not mentioned at all is left
   * alone: a controller that forgot something must not take it away.
   */
  presence: Type.Union([Type.Literal('present'), Type.Literal('absent')]),
  driver: Type.Union([Type.Literal('macvlan'), Type.Literal('ipvlan')]),
  /** Of the swarm network; absent: there is none, or it is not known. */
  networkId: Type.Optional(Text),
  /** A link's name, or `auto`: the link that has an address in the subnet. */
  parent: Text,
  ipv4: WantedFamilySchema,
  ipv6: Type.Optional(WantedFamilySchema),
  /** A config-only network that somebody made by hand is ours by the record (`network adopt`), though it has no label. */
  isAdopted: Type.Boolean(),
  /** The node is drained for this: a config-only network of ours that differs is removed and made again. */
  mayRecreate: Type.Boolean(),
})

const Words = Type.String()
const Flag = Type.Optional(Type.Boolean())
const Word = Type.Optional(Words)

/** The fields as Consul's agent API names them. */
const WantedCheckSchema = Type.Object({
  ...{ Name: Words, HTTP: Word, Method: Word, TCP: Word, GRPC: Word, GRPCUseTLS: Flag, TLSSkipVerify: Flag },
  ...{ Args: Type.Optional(Type.Array(Words)), TTL: Word, Interval: Word, Timeout: Word, Status: Word },
  DeregisterCriticalServiceAfter: Word,
})

/** One port of one task of this node, as it belongs into Consul. Nothing here has bounds: a long label stops no network. */
const WantedEntrySchema = Type.Object({
  ...{ id: Words, name: Words, address: Words, address6: Word, port: Type.Integer() },
  ...{ tags: Type.Array(Words), meta: Type.Record(Words, Words), checks: Type.Array(WantedCheckSchema) },
  ...{ taskId: Words, serviceName: Words, nodeId: Words, hostname: Words, hostAddress: Words },
})

const WantedRegistrationsSchema = Type.Object({
  /** The Swarm's id. */
  cluster: Words,
  entries: Type.Array(WantedEntrySchema),
  /** Tasks of which too little is known: what is there of them stays. */
  kept: Type.Array(Words),
})

export const WantedStateSchema = Type.Object({
  v: Type.Literal(1),
  nodeId: Text,
  /** The highest Version.Index of the `orrery-` configs: it only grows. */
  revision: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  networks: Type.Array(WantedNetworkSchema, { maxItems: 256 }),
  /** For the Consul agent beside this one; absent: nothing is said of it, and what is there stays. Of no revision. */
  registrations: Type.Optional(WantedRegistrationsSchema),
})

export type WantedState = Static<typeof WantedStateSchema>
export type WantedNetwork = Static<typeof WantedNetworkSchema>
export type WantedRegistrations = Static<typeof WantedRegistrationsSchema>
export type WantedFamily = Static<typeof WantedFamilySchema>

/** IPv4 first. */
export const familiesOf = ({ ipv4, ipv6 }: Pick<WantedNetwork, 'ipv4' | 'ipv6'>): readonly WantedFamily[] =>
  ipv6 === undefined ? [ipv4] : [ipv4, ipv6]

/** What is wrong with it, for a person. */
export class NoWantedState extends Error {
  override readonly name = 'NoWantedState'
}

/** Fields that are not known are left as they are. Throws NoWantedState. */
export function readWanted(value: unknown): WantedState {
  if (Value.Check(WantedStateSchema, value)) return value
  const [first] = [...Value.Errors(WantedStateSchema, value)]
  throw new NoWantedState(`${first?.path || 'it'}: ${first?.message ?? 'is not a wanted state'}`)
}
