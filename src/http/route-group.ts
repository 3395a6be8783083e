/** What a capability hands over to be served by HTTP, and what the server hands to it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify'
import type { Finding } from '../foundation/conditions.ts'
import type { SyncStatus } from '../swarm/sync.ts'
import type { AccessRules } from './access/judge.ts'
import type { Role } from './access/tokens.ts'
import type { Guard } from './plugins/access.ts'
import type { GrafanaGuard } from './plugins/grafana-signature.ts'
import type { Stopping } from './plugins/stopping.ts'

export interface RouteGroup {
  /** Of its routes, for the API's description. */
  readonly tags?: readonly { readonly name: string; readonly description: string }[]
  /** What `GET /v1/event` streams of it. */
  readonly events?: EventSource
  /** Called once, in a scope of its own: schemas, parsers and hooks stay inside. */
  register(app: TypedApp, http: Http): void
}

export type TypedApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What every route may use. */
export interface Http {
  readonly guard: Guard
  /** The strongest role that a caller has. */
  readonly roleOf: (request: FastifyRequest) => Role | 'none'
  readonly grafanaGuard: GrafanaGuard
  readonly stopping: Stopping
  /** How often a quiet stream says that it lives. */
  readonly heartbeatMs: number
  /** For how long events are kept for readers that may come back. */
  readonly lingerMs: number
  /** Ms since the epoch. */
  readonly now: () => number
}

export interface WireEvent {
  readonly type: string
  readonly data: object
}

/** Calls back with each event and with how it looks on the wire, which is asked once however many listen. Returns the end of it. */
export type EventSource = (listener: (event: object, wire: () => WireEvent) => void) => () => void

/** What `GET /v1/controller` shows beside the clock and the caller's role. */
export interface ControllerFacts {
  /** Another one after each start. */
  readonly id: string
  readonly version: string
  readonly hostname: string
  /** The engine's address. */
  readonly engine: string
  readonly dryRun: boolean
  /** The dashboard, as configured. */
  readonly ui: 'on' | 'read' | 'off'
  /** What is there now, by the names that the capabilities give it. */
  readonly features: () => Readonly<Record<string, boolean>>
  /** Of the capabilities, as they are now; true is the good one. */
  readonly conditions: () => readonly Finding[]
}

export interface ServerDeps {
  /** One a capability. */
  readonly groups: readonly RouteGroup[]
  readonly sync: () => SyncStatus
  /** The page for Prometheus. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  readonly access: AccessRules
  readonly logger: FastifyBaseLogger
  /** Ms since the epoch. */
  readonly now: () => number
  readonly controller: ControllerFacts
  /** What `npm run build` made of web/; absent: no dashboard is served. */
  readonly dashboardFolder?: string
  /** Abort it before the capabilities finish: new work is refused from then on and streams end. */
  readonly stopping?: AbortSignal
  /** 15 s. */
  readonly heartbeatMs?: number
  /** 60 s. */
  readonly lingerMs?: number
}
