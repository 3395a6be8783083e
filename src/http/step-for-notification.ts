/** What a notification on a step's own route asks for: one step while it fires, nothing when it has resolved. */
import type { Catalog, Scaler } from '../autoscaling/autoscaler.ts'
import type { Decision } from '../autoscaling/decision.ts'
import type { Request } from '../autoscaling/request.ts'
import { hashKey } from './idempotency-key.ts'
import type { Notification } from './notification.ts'

interface Deps {
  readonly catalog: Catalog
  readonly scaler: Pick<Scaler, 'request'>
  readonly now: () => number
}

interface Asked {
  readonly name: string
  readonly notification: Notification
  readonly step: Omit<Request & { kind: 'step' }, 'origin'>
}

/** Throws as `Scaler.request` and `Catalog.get`. */
export async function stepForNotification(
  { catalog, scaler, now }: Deps,
  { name, notification, step }: Asked,
): Promise<Decision> {
  if (!notification.firing) return resolved({ catalog, now }, name)
  // The direction is part of the key here: one group of alerts may rightly be sent to `up` of one and `down` of another route.
  const key =
    step.key ?? hashKey(`${step.direction} ${notification.key}`, { autoscaler: name, wish: `${step.direction}:alert` })
  return await scaler.request(name, { ...step, key, origin: 'alert' })
}

function resolved({ catalog, now }: Omit<Deps, 'scaler'>, name: string): Decision {
  const { observation } = catalog.get(name)
  const { replicas } = observation
  return {
    autoscaler: name,
    service: observation.name,
    outcome: 'held',
    code: 'resolved',
    reason: 'the notification says that its alerts are resolved, which asks for nothing',
    from: replicas,
    to: replicas,
    wanted: replicas,
    limits: [],
    atMs: now(),
  }
}
