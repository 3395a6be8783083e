/**
 * What the alerts of one notification ask of one service: one step at most, however many they are. Pure.
 *
 *   firing   -> one step; up wins over down; the largest `by`        unless the group only comes again because some resolved
 *   resolved -> with on-resolved=down one step down                  unless anything still asks for more
 *   no data  -> nothing
 */

import type { Direction, Policy, Step } from '../policy/policy.ts'
import { stepSize } from '../policy/step.ts'
import type { Alert } from './notification.ts'

/** One alert and what it asks of the service. */
export interface AlertWish {
  readonly alert: Alert
  readonly direction: Direction
  readonly by?: Step
  readonly firing: boolean
  /** Why it asks for nothing though it fires. */
  readonly noData?: string
}

export interface PlanContext {
  /** The service's count. */
  readonly replicas: number
  /** Absent: invalid. */
  readonly policy: Policy | undefined
  /** The group was sent again because some of its alerts resolved. */
  readonly resent: boolean
  /** Alerts of the group are missing in the notification. */
  readonly truncated: boolean
  /** Another alert, which is not among the wishes, stands for more. */
  readonly othersStand: boolean
}

export type Held = { readonly kind: 'held'; readonly code: 'resolved' | 'no-data'; readonly reason: string }

export interface AlertStep {
  readonly kind: 'step'
  /** `resolved`: asked for by alerts that ended. */
  readonly because: 'firing' | 'resolved'
  readonly direction: Direction
  readonly by?: Step
  /** Whose step it is: what makes two deliveries the same one. */
  readonly alerts: readonly Alert[]
}

export interface Plans {
  /** What the notification comes to; the only one that can be a step. */
  readonly main: AlertStep | Held
  /** For each wish the main plan itself, or why it has no part in it. */
  readonly each: readonly (AlertStep | Held)[]
}

const asksForNothing = (why: string): Held => ({
  kind: 'held',
  code: 'resolved',
  reason: `${why}: it asks for nothing`,
})

export const NOTHING_FIRES: Held = asksForNothing('nothing of this notification fires')

export function planFor(wishes: readonly AlertWish[], context: PlanContext): Plans {
  const firing = wishes.filter((wish) => wish.firing && wish.noData === undefined)
  const resolved = wishes.filter((wish) => !wish.firing)
  const firingPlan = firing.length === 0 ? undefined : planOfFiring(firing, context)
  const resolvedPlan = resolved.length === 0 ? undefined : planOfResolved(resolved, firing.length > 0, context)
  const each = wishes.map((wish) => {
    if (!wish.firing) return resolvedPlan
    return wish.noData === undefined ? firingPlan : noData(wish.noData)
  })
  const main = firingPlan ?? resolvedPlan ?? each[0] ?? NOTHING_FIRES
  return { main, each: each.map((plan) => plan ?? main) }
}

const noData = (reason: string): Held => ({ kind: 'held', code: 'no-data', reason })

function planOfFiring(wishes: readonly AlertWish[], context: PlanContext): AlertStep | Held {
  if (context.resent) return asksForNothing('the group was sent again only because alerts of it resolved')
  const direction = wishes.some((wish) => wish.direction === 'up') ? 'up' : 'down'
  const chosen = wishes.filter((wish) => wish.direction === direction)
  const steps = chosen.map((wish) => wish.by)
  const by = largestStep(steps, direction, context)
  return { kind: 'step', because: 'firing', direction, ...(by && { by }), alerts: chosen.map(({ alert }) => alert) }
}

function planOfResolved(wishes: readonly AlertWish[], fires: boolean, context: PlanContext): AlertStep | Held {
  const { policy, truncated, othersStand } = context
  if (policy?.onResolved !== 'down') return asksForNothing('the alert has resolved')
  if (fires) return asksForNothing('the alert has resolved, and another one of this notification still fires')
  const calmed = wishes.filter(({ direction }) => direction === 'up')
  if (calmed.length === 0) return asksForNothing('an alert that asked for less has resolved')
  const measured = calmed.filter((wish) => wish.noData === undefined)
  if (measured.length === 0) return noData(calmed[0]?.noData ?? 'nothing was measured')
  if (truncated) return asksForNothing('the alert has resolved, and others of the group were not sent')
  if (othersStand) return asksForNothing('the alert has resolved, and another one still stands')
  return { kind: 'step', because: 'resolved', direction: 'down', alerts: measured.map(({ alert }) => alert) }
}

/** Absent: the step of the policy. An alert without `by` asks for that one. */
export function largestStep(
  asked: readonly (Step | undefined)[],
  direction: Direction,
  { replicas, policy }: Pick<PlanContext, 'replicas' | 'policy'>,
): Step | undefined {
  const usual = direction === 'up' ? policy?.stepUp : policy?.stepDown
  const sizeOf = (step: Step | undefined) => {
    const meant = step ?? usual
    return meant === undefined ? 0 : stepSize(meant, replicas, direction)
  }
  return asked.reduce((largest, step) => (sizeOf(step) > sizeOf(largest) ? step : largest), asked[0])
}
