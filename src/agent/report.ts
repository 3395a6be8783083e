/**
 * What the agent of one node sees there and sends to every controller, every few seconds and at once when a container
 * comes or goes (`PUT /v1/node/<id>`). Level-triggered: any report may be lost, the newest is the whole truth.
 */
import { type Static, Type } from '@sinclair/typebox'

const Text = Type.String({ maxLength: 1024 })
/** `172.80.1.0/24` or `fd00:40::/64`, as the engine or the kernel writes it. */
const Cidr = Type.String({ maxLength: 64 })
/** `172.80.1.7`, without a prefix length. */
const Address = Type.String({ maxLength: 64 })
const Addresses = Type.Record(Text, Address, { maxProperties: 4096 })
const Labels = Type.Record(Text, Type.String({ maxLength: 8192 }), { maxProperties: 256 })
const list = <T extends ReturnType<typeof Type.Object> | typeof Text>(item: T, maxItems = 4096) =>
  Type.Array(item, { maxItems })

/** One address family of a network, as the engine shows it. */
const ReportedSubnetSchema = Type.Object({
  subnet: Cidr,
  range: Type.Optional(Cidr),
  gateway: Type.Optional(Address),
  /** Name to address: what the engine never gives away. */
  aux: Addresses,
})

/** A network of this node's engine that matters here: config-only, macvlan or ipvlan, whoever made it. */
const ReportedNetworkSchema = Type.Object({
  id: Text,
  name: Text,
  /** `null` on a config-only network. */
  driver: Text,
  scope: Text,
  configOnly: Type.Boolean(),
  /** Name of the config-only network that it was made from; empty if none. */
  configFrom: Text,
  /** `orrery.network` among them is the proof that an agent made it. */
  labels: Labels,
  options: Labels,
  subnets: list(ReportedSubnetSchema, 16),
})

/** A fault on this node that keeps a network from being as wanted; `code` is stable, `message` for a person. */
const ReportedFaultSchema = Type.Object({ code: Text, message: Text })

const ReportedLinkSchema = Type.Object({
  name: Text,
  isUp: Type.Boolean(),
  isPromiscuous: Type.Boolean(),
  mtu: Type.Optional(Type.Integer()),
  /** With prefix length. */
  addresses: list(Cidr, 256),
  /** Made by an agent, marked by the link's alias. */
  isOurs: Type.Boolean(),
})

/** How far this node is as one wanted network asks. */
const NetworkStandingSchema = Type.Object({
  name: Text,
  /** Everything that was wanted at `revision` was seen in place. */
  isAsWanted: Type.Boolean(),
  /** Also for `presence: absent`: then as wanted means that nothing of it is left. */
  faults: list(ReportedFaultSchema, 32),
  /** What was found missing or wrong and mended since the last report, for the log and the events. */
  mended: list(Text, 64),
  /** Absent when the link is not there or not known. */
  parent: Type.Optional(ReportedLinkSchema),
  shim: Type.Optional(ReportedLinkSchema),
  /** Containers on this node with an address of this network, Swarm's or not. */
  attached: Type.Integer({ minimum: 0 }),
})

/**
 * A container that exists on the node and has, or had before it stopped, an address of a macvlan or ipvlan network; and every
 * task of Swarm, for what it uses: one on no such network has no `addresses`.
 */
const ReportedContainerSchema = Type.Object({
  id: Text,
  name: Text,
  /** Docker's word: created, running, paused, restarting, removing, exited, dead. */
  state: Text,
  /** Of Swarm's labels; absent for one that was started by hand. */
  taskId: Type.Optional(Text),
  taskName: Type.Optional(Text),
  serviceId: Type.Optional(Text),
  serviceName: Type.Optional(Text),
  addresses: list(
    Type.Object({ network: Text, address: Type.Optional(Address), address6: Type.Optional(Address) }),
    32,
  ),
  /** Of one CPU: 150 is one and a half. Absent: not measured yet. */
  cpuPercent: Type.Optional(Type.Number()),
  memoryBytes: Type.Optional(Type.Number()),
})

export const NodeReportSchema = Type.Object({
  v: Type.Literal(1),
  /** Swarm's id of the node, as the local engine says. */
  nodeId: Text,
  hostname: Text,
  engineVersion: Text,
  agentVersion: Text,
  /** The agent's clock, ms since the epoch: of two reports of one agent the newer counts. */
  sentAtMs: Type.Number(),
  /** When the agent's process began, ms since the epoch. */
  startedAtMs: Type.Number(),
  /** The highest revision it has ever been given; 0: none. */
  revision: Type.Integer({ minimum: 0 }),
  /** The node's own global addresses, with prefix length and link: no range may hold one. */
  hostAddresses: list(Type.Object({ link: Text, address: Cidr }), 256),
  networks: list(ReportedNetworkSchema, 512),
  standings: list(NetworkStandingSchema, 256),
  containers: list(ReportedContainerSchema),
  /** What keeps the whole agent from its work: an engine that is away, say. */
  faults: list(ReportedFaultSchema, 32),
})

export type NodeReport = Static<typeof NodeReportSchema>
export type ReportedNetwork = Static<typeof ReportedNetworkSchema>
export type ReportedSubnet = Static<typeof ReportedSubnetSchema>
export type ReportedLink = Static<typeof ReportedLinkSchema>
export type ReportedFault = Static<typeof ReportedFaultSchema>
export type NetworkStanding = Static<typeof NetworkStandingSchema>
export type ReportedContainer = Static<typeof ReportedContainerSchema>
