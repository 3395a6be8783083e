/** An autoscaler as others see it, and the use cases that `http` and `commands` may call. */

import type { Condition } from '../foundation/conditions.ts'
import type { Unsubscribe } from '../foundation/listeners.ts'
import type { ReportedContainer } from '../swarm/node-report.ts'
import type { ServiceObservation } from '../swarm/services.ts'
import type { SyncStatus } from '../swarm/sync.ts'
import type { SwarmTask } from '../swarm/tasks.ts'
import type { AlertResult } from './alerts/alert-groups.ts'
import type { StandingAlert } from './alerts/alert-state.ts'
import type { Notification } from './alerts/notification.ts'
import type { Decision, Stage } from './decision/decision.ts'
import type { Caller, Request, RequestKey } from './decision/request.ts'
import type { Pause, PauseWish, PendingRestore } from './decision/shared-state.ts'
import type { ScalingState } from './decision/state.ts'
import type { Evaluation } from './load/evaluate.ts'
import type { Direction, PolicyReading, Step } from './policy/policy.ts'
import type { BoundsAhead, BoundsInForce } from './policy/policy-at.ts'

export type { AlertResult } from './alerts/alert-groups.ts'

export type ConditionType =
  | 'Valid'
  | 'Supported'
  | 'InSync'
  | 'RolloutSettled'
  | 'Paused'
  | 'Maintenance'
  | 'RestorePending'
  | 'WriteUnknown'
  | 'InBounds'
  | 'AtCapacity'
  | 'AlertStanding'
  | 'Unschedulable'
  | 'LoadMeasured'
  | 'LoadFallback'
  | 'LoadFlapping'

export interface Autoscaler {
  readonly name: string
  readonly reading: PolicyReading
  readonly observation: ServiceObservation
  /** In force now; absent: no valid policy says them. */
  readonly bounds?: BoundsInForce
  /** Tasks that run and should; absent: not known. */
  readonly running?: number
  /** From the state label, or what a deploy erased of it. Absent if never scaled. */
  readonly state?: ScalingState
  /** Set by call for this one, and not over yet. */
  readonly pause?: Pause
  readonly restore?: PendingRestore
  /** Those that stand, and those that somebody suspended by setting the count. */
  readonly alerts: readonly StandingAlert[]
  readonly conditions: readonly Condition<ConditionType>[]
  /** When a step would no longer wait for its cooldown; absent: now. Ms since the epoch. */
  readonly nextAllowedMs: { readonly up?: number; readonly down?: number }
  readonly lastDecision?: Decision
  /** The last evaluation of measured load; absent: no metric is followed, or none was evaluated yet. */
  readonly load?: LoadEvaluation
}

/** One evaluation, at a tick of the wall clock. */
export interface LoadEvaluation extends Evaluation {
  /** Ms since the epoch. */
  readonly tickMs: number
}

/** Reads: all from memory, no engine call. */
export interface Catalog {
  /** Every opted-in service, sorted by name; two of one name are both there. */
  list(): readonly Autoscaler[]
  /** Throws Fault `unknown-autoscaler`, `ambiguous-name` or `not-in-sync`. */
  get(name: string): Autoscaler
  /** By the exact name of its Swarm service. Throws Fault `unknown-autoscaler` or `not-in-sync`. */
  ofService(service: string): Autoscaler
  /** The last 50 at most, newest first. Throws as `get`. */
  decisions(name: string): readonly Decision[]
  /** Of every service, newest first. */
  allDecisions(): readonly Decision[]
  /** The last 256 changes of the count, oldest first. Throws as `get`. */
  history(name: string): CountHistory
  /** The week that begins with today; `undefined`: no valid policy says the bounds. Throws as `get`. */
  week(name: string): Week | undefined
  /** Of one autoscaler, or of every service: by service and slot. Throws as `get`, and `not-in-sync` while they are not known. */
  tasks(name?: string): readonly TaskView[]
  /** Somebody looks: how many tasks run is known soon, and for a minute. */
  look(): void
  /**
   * Called after something changed that an autoscaler shows: with the name of its service, or without one where it may be any
   * of them. Time alone calls nobody.
   */
  onChange(listener: (service?: string) => void): Unsubscribe
  /** Every service of the Swarm, with or without a policy, sorted by name. */
  services(): readonly ServiceRow[]
  sync(): SyncStatus
}

/** Seven days of bounds, from the last midnight on. Ms since the epoch. */
export interface Week extends BoundsAhead {
  readonly observation: ServiceObservation
  readonly reading: PolicyReading
  readonly nowMs: number
  /** Whose midnight it is: that of the schedules where they have one zone, else UTC. */
  readonly zone: string
  readonly fromMs: number
  /** Where it is cut, it ends with the last stretch. */
  readonly untilMs: number
}

/** A task, and what others know of it. */
export interface TaskView {
  readonly task: SwarmTask
  /** Of the service. */
  readonly service: string
  /** Absent: it has no node yet, or the node is not known. */
  readonly hostname?: string
  /** As its agent reports it. */
  readonly container?: ReportedContainer
}

/** A service, and how it stands to autoscaling. */
export interface ServiceRow {
  readonly observation: ServiceObservation
  /** Its name, if it is opted in. */
  readonly autoscaler?: string
  /** Why it is not, or cannot be, scaled. */
  readonly reason?: string
  /** Tasks that run and should; absent: not known. */
  readonly running?: number
}

/** The count from a moment on, and who made it so. */
export interface CountChange {
  /** Ms since the epoch. */
  readonly atMs: number
  readonly replicas: number
  /** The bounds at that moment; absent while no policy held, `max` null while none is known. */
  readonly min?: number
  readonly max?: number | null
  /** `start`: so it was found, whoever made it so. */
  readonly by: 'orrery' | 'person' | 'deploy' | 'rollback' | 'start'
  /** What a write of ours was for. */
  readonly cause?: string
}

export interface CountHistory {
  /** When this controller began to look. Ms since the epoch. */
  readonly sinceMs: number
  readonly points: readonly CountChange[]
}

/** As if these metrics, by name, had been measured just now: `120`, per cent for cpu and memory, `NaN`. The others as last measured. */
export interface SimulatedLoad {
  readonly kind: 'load'
  readonly values: ReadonlyMap<string, string>
}

/** Writes. Every method answers without waiting for convergence. */
export interface Scaler {
  /**
   * Decides and, if it must, writes. Throws Fault `unknown-autoscaler`, `ambiguous-name`, `key-reused`, `keys-exhausted`,
   * `not-in-sync`, `engine-unavailable`, `conflicts-exhausted`, `write-unknown`, `write-rejected`, `shutting-down`.
   */
  request(name: string, request: Request): Promise<Decision>
  /** The decision that would be taken, each stage shown; writes nothing. Throws as `Catalog.get`, and `key-reused`. */
  explain(name: string, request: Request | SimulatedLoad): { decision: Decision; stages: readonly Stage[] }
  /** Adds to an active pause. */
  pause(name: string, wish: PauseWish): Promise<Autoscaler>
  /** Ends a pause set by call; one written in the policy stays, and so does that of everything: `Autoscaler.conditions` says so. */
  resume(name: string, scope: Direction | 'both'): Promise<Autoscaler>
  /** The pause of everything that holds now. */
  pausedAll(): Pause | undefined
  /** Of every autoscaler, those to come too, whatever is paused on its own. The pause that holds then. */
  pauseAll(wish: PauseWish): Promise<Pause | undefined>
  /** Ends the pause of everything, or the half of it that `scope` names, and no other. What is left of it. */
  resumeAll(scope: Direction | 'both'): Promise<Pause | undefined>
  /** Refuses new work with `shutting-down`, resolves when everything accepted has been answered. */
  stop(): Promise<void>
}

/** What a route says its notifications are for. */
export interface AlertRoute {
  /** Of the autoscaler. */
  readonly name: string
  readonly direction: Direction
  readonly by?: Step
  readonly note?: string
  readonly caller?: Caller
  /** Instead of the one made of the notification. */
  readonly key?: RequestKey
}

/** Notifications of monitoring tools. Answered within a second. */
export interface Alerts {
  /** Each alert by its own labels, one result each. Throws Fault `not-in-sync`, and what `SharedStore.update` throws. */
  receive(notification: Notification, caller?: Caller): Promise<readonly AlertResult[]>
  /**
   * All alerts for one autoscaler; the decision is the notification's, and each alert's.
   * Throws as `Scaler.request`, `Catalog.get` and `SharedStore.update`.
   */
  receiveFor(
    route: AlertRoute,
    notification: Notification,
  ): Promise<{ readonly decision: Decision; readonly results: readonly AlertResult[] }>
  /** Ends every standing alert of an autoscaler until its next notification. Throws as `Catalog.get` and `SharedStore.update`. */
  end(name: string): Promise<Autoscaler>
}

/** What `GET /v1/event` streams of autoscaling. */
export type OrreryEvent =
  | { readonly type: 'decision'; readonly data: Decision }
  | { readonly type: 'observation'; readonly data: ServiceObservation | { readonly id: string; readonly gone: true } }

export interface EventFeed {
  subscribe(listener: (event: OrreryEvent) => void): () => void
}
