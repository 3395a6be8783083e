/**
 * Ends what no longer stands though nobody said that it resolved: its time is over, its service is gone or does not want it any
 * more, or Alertmanager, asked once a minute, does not have it.
 */

import { type Clock, waitEndMs } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { Services } from '../../swarm/ports.ts'
import { alertTtlMs, confirm, end, newsEveryMs, type StandingAlert, standingKey } from '../alerts/alert-state.ts'
import type { Policies } from '../policy/policies.ts'
import type { FiringAlerts } from '../ports.ts'
import type { AlertBook } from './alert-book.ts'

const LOOK_EVERY_MS = 1000
const ASK_EVERY_MS = 60_000
/** Prometheus tells a new Alertmanager of its alerts within its `--rules.alert.resend-delay` and an evaluation. */
const SETTLED_MS = 5 * 60_000

export interface StandingKeeperDeps {
  readonly book: Pick<AlertBook, 'current' | 'note'>
  readonly services: Pick<Services, 'get' | 'sync'>
  readonly policies: Pick<Policies, 'byId'>
  /** Absent: nobody to ask. */
  readonly alertmanager: FiringAlerts | undefined
  readonly logger: Logger
  readonly now: Clock
}

export interface StandingKeeper {
  stop(): Promise<void>
}

export function createStandingKeeper(deps: StandingKeeperDeps): StandingKeeper {
  const { book, services, policies, alertmanager, logger, now } = deps
  let asking: Promise<void> = Promise.resolve()
  let isSilent = false
  let isStopping = false

  const ttlOf = ({ serviceId }: StandingAlert) =>
    alertTtlMs(policies.byId(serviceId)?.reading.policy, alertmanager !== undefined)

  /** `undefined`: it stands. */
  const whyOver = (alert: StandingAlert): string | undefined => {
    const policy = policies.byId(alert.serviceId)?.reading.policy
    if (policy !== undefined && policy.onFiring !== 'repeat') return 'autoscaler.on-firing is no longer repeat'
    if (services.get(alert.serviceId) === undefined) return 'its service is gone'
    const isOver = waitEndMs(alert.newsAtMs, ttlOf(alert) + 1, now()) === undefined
    return isOver ? 'there was no news of it for autoscaler.alert-ttl' : undefined
  }

  const endThose = (over: ReadonlyMap<string, string>) => {
    if (over.size === 0) return
    const before = book.current()
    // Not if it was notified in the meantime.
    const isAsBefore = (alert: StandingAlert) => before.standing.get(standingKey(alert))?.newsAtMs === alert.newsAtMs
    book.note((state) => end(state, (alert) => over.has(standingKey(alert)) && isAsBefore(alert)))
    for (const [key, why] of over) {
      logger.info({ event: 'alert-ended', alert: key }, `an alert does not stand any more: ${why}`)
    }
  }

  const look = () => {
    // What is not read yet is not gone.
    if (!services.sync().inSync) return
    const over = new Map<string, string>()
    for (const [key, alert] of book.current().standing) {
      const why = whyOver(alert)
      if (why !== undefined) over.set(key, why)
    }
    endThose(over)
  }

  const compare = async (asked: FiringAlerts) => {
    const askedAtMs = now()
    const { fingerprints, startedAtMs } = await asked.ask()
    const isPast = ({ source, newsAtMs }: StandingAlert) => source === 'alertmanager' && newsAtMs < askedAtMs
    const known = [...book.current().standing].filter(([, alert]) => isPast(alert))
    const firing = known.filter(([, { alertId }]) => fingerprints.has(alertId)).map(([key]) => key)
    const newsEvery = (alert: StandingAlert) => newsEveryMs(ttlOf(alert))
    book.note((state) => confirm(state, new Set(firing), { nowMs: askedAtMs, newsEveryMs: newsEvery }))
    const hasHeard = ({ newsAtMs }: StandingAlert) =>
      startedAtMs === undefined || newsAtMs >= startedAtMs || askedAtMs - startedAtMs >= SETTLED_MS
    const absent = known.filter(([, alert]) => !fingerprints.has(alert.alertId) && hasHeard(alert))
    endThose(new Map(absent.map(([key]) => [key, 'Alertmanager does not have it'])))
  }

  const ask = async (asked: FiringAlerts) => {
    if (![...book.current().standing.values()].some(({ source }) => source === 'alertmanager')) return
    try {
      await compare(asked)
      if (isSilent) logger.info({ event: 'alertmanager-answers' }, 'Alertmanager answers again')
      isSilent = false
    } catch (error) {
      if (isStopping) return
      if (!isSilent) {
        const message = 'Alertmanager cannot be asked what fires: alerts stand until they resolve or their time is over'
        logger.warn({ event: 'alertmanager-silent', err: error }, message)
      }
      isSilent = true
    }
  }

  const timers = [setInterval(look, LOOK_EVERY_MS)]
  if (alertmanager !== undefined) {
    timers.push(
      setInterval(() => {
        asking = asking.then(() => ask(alertmanager))
      }, ASK_EVERY_MS),
    )
  }

  return {
    async stop() {
      for (const timer of timers) clearInterval(timer)
      isStopping = true
      await asking
    },
  }
}
