/**
 * What the agent of one node sees there and sends to every controller, every few seconds and at once when a container
 * comes or goes (`PUT /v1/node/<id>`). Level-triggered: any report may be lost, the newest is the whole truth.
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import type { EngineNetwork } from './networks.ts'

const Text = Type.String({ maxLength: 1024 })
/** `172.80.1.0/24` or `fd00:40::/64`, as the engine or the kernel writes it. */
const Cidr = Type.String({ maxLength: 64 })
/** `172.80.1.7`, without a prefix length. */
const Address = Type.String({ maxLength: 64 })
const Addresses = Type.Record(Text, Address, { maxProperties: 4096 })
/** What machines have: beyond it arithmetic ends, and one report would be everybody's fault. */
const Amount = Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
/** Ms since the epoch. */
const Time = Type.Number({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })
const Labels = Type.Record(Text, Type.String({ maxLength: 8192 }), { maxProperties: 256 })
/** A schema of what is a type elsewhere already: it does not compile unless each value that fits is one. */
const typed =
  <T>() =>
  <S extends TSchema & { static: T }>(schema: S) =>
    Type.Unsafe<T>(schema)
const list = <T extends ReturnType<typeof Type.Object> | typeof Text>(item: T, maxItems = 4096) =>
  Type.Array(item, { maxItems })

/** Config-only, macvlan or ipvlan, whoever made it. `orrery.network` among the labels is the proof that an agent did. */
const NetworkSchema = typed<EngineNetwork>()(
  Type.Object({
    id: Text,
    name: Text,
    driver: Text,
    scope: Text,
    configOnly: Type.Boolean(),
    configFrom: Text,
    labels: Labels,
    options: Labels,
    subnets: list(
      Type.Object({
        subnet: Cidr,
        range: Type.Optional(Cidr),
        gateway: Type.Optional(Address),
        aux: Addresses,
      }),
      16,
    ),
  }),
)

/** A fault on this node that keeps a network from matching its definition; `code` is stable, `message` for a person. */
const ReportedFaultSchema = Type.Object({ code: Text, message: Text })

const ReportedLinkSchema = Type.Object({
  name: Text,
  isUp: Type.Boolean(),
  isPromiscuous: Type.Boolean(),
  mtu: Type.Optional(Count),
  /** With prefix length. */
  addresses: list(Cidr, 256),
  /** Made by an agent, marked by the link's alias. */
  isOurs: Type.Boolean(),
})

/** How far this node is as one wanted network asks. */
const NetworkStatusSchema = Type.Object({
  name: Text,
  /** Everything that was wanted at `revision` was seen in place. */
  isAsWanted: Type.Boolean(),
  /** Also for `presence: absent`: then it means that nothing of it is left. */
  faults: list(ReportedFaultSchema, 32),
  /** What was found missing or wrong and mended since the last report, for the log and the events. */
  mended: list(Text, 64),
  /** Absent when the link is not there or not known. */
  parent: Type.Optional(ReportedLinkSchema),
  shim: Type.Optional(ReportedLinkSchema),
  /** Containers on this node with an address of this network, Swarm's or not. */
  attached: Count,
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
  /** The node's clock, ms since the epoch. */
  createdAtMs: Type.Optional(Time),
  /** Ports of the image and published ones: `80/tcp`. Absent: not known yet. */
  exposed: Type.Optional(list(Text, 256)),
  /** `SERVICE_*` of its environment, for Consul; nothing else of an environment is ever reported. */
  env: Type.Optional(Labels),
  /** `SERVICE_*` and `orrery.*` of its labels, for Consul. */
  labels: Type.Optional(Labels),
  /** Of one CPU: 150 is one and a half. Absent: not measured yet. */
  cpuPercent: Type.Optional(Amount),
  memoryBytes: Type.Optional(Amount),
})

/** `engineId`: the engine's own, never empty. `macs`: of links that are no container's, written with colons, lower case. */
const MachineSchema = Type.Object({ engineId: Type.String({ minLength: 1, maxLength: 256 }), macs: list(Text, 32) })

export const NodeReportSchema = Type.Object({
  v: Type.Literal(1),
  /** Swarm's id of the node, as the local engine says. */
  nodeId: Text,
  hostname: Text,
  /** Absent: the engine does not say, or the agent is an older one. */
  machine: Type.Optional(MachineSchema),
  engineVersion: Text,
  agentVersion: Text,
  /** The agent's clock, ms since the epoch: of two reports of one agent the newer counts. */
  sentAtMs: Time,
  /** When the agent's process began, ms since the epoch. */
  startedAtMs: Time,
  /** Of the wanted state that `standings` are of; 0: none. */
  revision: Count,
  /** The node's own global addresses, with prefix length and link: no range may hold one. */
  hostAddresses: list(Type.Object({ link: Text, address: Cidr }), 256),
  networks: Type.Array(NetworkSchema, { maxItems: 512 }),
  standings: list(NetworkStatusSchema, 256),
  containers: list(ReportedContainerSchema),
  /** What keeps the whole agent from its work: an engine that is away, say. */
  faults: list(ReportedFaultSchema, 32),
})

export type NodeReport = Static<typeof NodeReportSchema>
export type ReportedLink = Static<typeof ReportedLinkSchema>
export type ReportedFault = Static<typeof ReportedFaultSchema>
export type NetworkStatus = Static<typeof NetworkStatusSchema>
export type ReportedContainer = Static<typeof ReportedContainerSchema>

/** What tells one machine from another, since a host name does not. */
export type Machine = Static<typeof MachineSchema>

/**
 * The same machine, proved: an engine keeps its id when it leaves a Swarm and joins another, and where a disk was copied
 * with that id, the network cards differ. One that cannot say what it is, is nobody else.
 */
export const isSameMachine = (one: Machine | undefined, other: Machine | undefined): boolean =>
  one !== undefined &&
  other !== undefined &&
  one.engineId === other.engineId &&
  one.macs.some((mac) => other.macs.includes(mac))

/** A report older than this says how things were: nothing may be concluded from what it does not show. */
export const SILENT_AFTER_MS = 15_000

/** A report, as this controller took it in. */
export interface HeardReport {
  readonly report: NodeReport
  /** This controller's clock, ms since the epoch. */
  readonly receivedAtMs: number
  /** By network: since when each report said that it does not match; one that does, or was never told of, is not here. */
  readonly notAsWantedSinceMs?: ReadonlyMap<string, number>
}
