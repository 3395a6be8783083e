/** What the controller is made of, and what every part of it is given. */
import type { MetricsRegistry } from '../../adapters/metrics/registry.ts'
import type { Swarm } from '../../adapters/swarm/swarm.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Finding } from '../../foundation/conditions.ts'
import type { AccessRules } from '../../http/access/judge.ts'
import type { TlsFiles } from '../../http/listen.ts'
import type { RouteGroup, ServerDeps } from '../../http/route-group.ts'

/**
 * One part, put together and not started. Its variables are in `config`, its figures are registered with `metrics`.
 */
export interface Capability {
  readonly routes?: readonly RouteGroup[]
  /** What is switched on of it, for `GET /v1/controller`. */
  readonly features?: () => Readonly<Record<string, boolean>>
  /** Of the whole part, for `GET /v1/controller`; those of autoscalers and networks are in their own views. */
  readonly conditions?: () => readonly Finding[]
  /** Once the controller listens: loops begin. */
  start?(): void
  /** Everything that was accepted has been answered; new work is refused already. The controller waits 10 s at most. */
  finish?(): Promise<void>
  /** After `finish`, and after a start that failed elsewhere. The controller waits a second at most. */
  close(): Promise<void>
}

export interface Base {
  /** Of this process: another one after each start. */
  readonly controllerId: string
  readonly config: Config
  /** Whether a person set the variable; what is named must be there. */
  readonly isNamed: (variable: string) => boolean
  /** Closed after every capability. */
  readonly swarm: Swarm
  readonly metrics: MetricsRegistry
  /** Who may call with what, and the operator's own TLS files. */
  readonly access: AccessRules
  readonly tls: TlsFiles | undefined
  readonly logger: ServerDeps['logger']
  readonly now: Clock
  /** Aborted when the stop begins. */
  readonly stopping: AbortSignal
}
