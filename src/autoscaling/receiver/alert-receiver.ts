/**
 * Receives notifications: what each alert means, one request for each service, one result for each alert.
 *
 *   alert -> meaning -> its autoscaler -> plan for the service -> request with the notification's own key
 *                                      -> what stands is kept in the Swarm before the answer
 */
import type { Clock } from '../../foundation/clock.ts'
import { Fault } from '../../foundation/errors.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { ServiceObservation } from '../../swarm/services.ts'
import { type AlertGroup, alertResult, groupAlerts, isKnownWhole, rememberGroup } from '../alerts/alert-groups.ts'
import { type AlertMeaning, type AlertTarget, meaningOf, routedMeaningOf } from '../alerts/alert-meaning.ts'
import { type AlertStep, type Held, NOTHING_FIRES, planFor } from '../alerts/alert-plan.ts'
import { STANDING_TRAITS, standingNews } from '../alerts/alert-source.ts'
import { ALERT_PATIENCE_MS, end, standingOf } from '../alerts/alert-state.ts'
import { alertHash, alertKey, alertName, alertNote, type Digest, endHash, groupHash } from '../alerts/alert-words.ts'
import type { Alert, Notification } from '../alerts/notification.ts'
import type { AlertResult, AlertRoute, Alerts, Catalog, Scaler } from '../autoscaler.ts'
import type { Decision } from '../decision/decision.ts'
import type { Caller } from '../decision/request.ts'
import type { ScalingState } from '../decision/state.ts'
import type { TellDecision } from '../feed/decision-log.ts'
import type { BoundPolicy, Policies } from '../policy/policies.ts'
import type { AlertBook, AlertChange } from './alert-book.ts'

export interface AlertReceiverDeps {
  readonly scaler: Pick<Scaler, 'request'>
  readonly policies: Pick<Policies, 'find' | 'findByService'>
  readonly catalog: Pick<Catalog, 'get'>
  /** What is known of the service's scaling. */
  readonly stateOf: (observation: ServiceObservation) => ScalingState | undefined
  readonly book: Pick<AlertBook, 'current' | 'note' | 'keep'>
  readonly tell: TellDecision
  readonly digest: Digest
  readonly logger: Logger
  readonly now: Clock
  /** Alertmanager can be asked what still fires. */
  readonly asksAlertmanager: boolean
  /** How long a notification that changed the count is remembered. */
  readonly alertWindowMs: number
}

type Outcome = Decision | Fault

interface Received {
  readonly notification: Notification
  readonly route: AlertRoute | undefined
  readonly caller: Caller | undefined
  /** Of the group of alerts, as this route is told of it. */
  readonly groupKey: string
}

const RESENT = new Set(['some alerts resolved', 'all alerts resolved'])

export function createAlertReceiver(deps: AlertReceiverDeps): Alerts {
  const { scaler, policies, catalog, book, tell, stateOf, now, asksAlertmanager } = deps
  const digest = remembering(deps.digest)
  const warnings = createAlertWarnings(deps.logger)

  const keep = async (change: AlertChange) => {
    const late = new Fault('engine-unavailable', 'the engine did not take in time what stands', { retryAfterMs: 1000 })
    await within(book.keep(change), ALERT_PATIENCE_MS, late)
  }

  /** What the engine refuses for good is told of each alert that would stand; everything else is thrown. */
  const keptOrRefused = async (change: AlertChange): Promise<Fault | undefined> => {
    try {
      await keep(change)
      return undefined
    } catch (error) {
      if (error instanceof Fault && error.code === 'write-rejected') return error
      throw error
    }
  }

  const held = ({ reading: { name }, observation }: BoundPolicy, { code, reason }: Held): Decision => {
    const { replicas } = observation
    const numbers = { from: replicas, to: replicas, wanted: replicas, limits: [] }
    return { autoscaler: name, service: observation.name, outcome: 'held', code, reason, ...numbers, atMs: now() }
  }

  const step = async ({ reading }: BoundPolicy, plan: AlertStep, received: Received): Promise<Outcome> => {
    const { notification, route, caller } = received
    const { because, direction, by } = plan
    const { name } = reading
    const alerts = plan.alerts.map(alertName).filter((each) => each !== '')
    const ofRoute = because === 'firing' ? route?.key : undefined
    const ofAlerts = alertKey(plan, notification, { digest, autoscaler: name })
    const key = ofRoute ?? { ...ofAlerts, keepMs: deps.alertWindowMs }
    const ends = because === 'resolved' ? plan.alerts.map((alert) => endHash(alert, digest)) : []
    const stands = because === 'firing' && reading.policy?.onFiring === 'repeat'
    const note = route?.note ?? alertNote(plan)
    try {
      return await scaler.request(name, {
        kind: 'step',
        origin: 'alert',
        direction,
        key,
        note,
        alerts,
        ...(by && { by }),
        ...(ends.length > 0 && { ends }),
        ...(caller && { caller }),
        ...(stands && { traits: STANDING_TRAITS }),
      })
    } catch (error) {
      if (error instanceof Fault) return error
      throw error
    }
  }

  const isResent = ({ notification, groupKey }: Received, { wishes }: AlertGroup): boolean => {
    if (notification.reason !== undefined) return RESENT.has(notification.reason)
    if (!notification.alerts.some(({ status }) => status === 'resolved')) return false
    const firing = wishes.filter((wish) => wish.firing).map(({ alert }) => alertHash(alert, digest))
    return isKnownWhole(book.current().groups.get(groupKey), firing)
  }

  /** What the notification comes to for one service, and for each of its alerts. */
  const carryOut = async (group: AlertGroup, received: Received, othersStand: boolean): Promise<CarriedOut> => {
    const { observation, reading } = group.autoscaler
    const { main, each } = planFor(group.wishes, {
      replicas: observation.replicas,
      policy: reading.policy,
      resent: isResent(received, group),
      truncated: received.notification.truncated > 0,
      othersStand,
    })
    const ofMain = async (): Promise<Outcome> => {
      if (main.kind === 'step') return await step(group.autoscaler, main, received)
      const decision = held(group.autoscaler, main)
      const alerts = group.wishes.map(({ alert }) => alertName(alert)).filter((each) => each !== '')
      const asked = { origin: 'alert', alerts, ...(received.caller && { caller: received.caller }) }
      tell(observation.id, { ...asked, ...decision }, 0)
      return decision
    }
    const outcome = await ofMain()
    const ofOther = (plan: AlertStep | Held) => (plan.kind === 'held' ? held(group.autoscaler, plan) : outcome)
    return { outcome, each: each.map((plan) => (plan === main ? outcome : ofOther(plan))) }
  }

  /** One for each group. Throws Fault when what stands could not be kept. */
  const carryOutAll = async (groups: readonly AlertGroup[], received: Received) => {
    const { notification, groupKey } = received
    const nowMs = now()
    const before = book.current()
    const news = standingNews(before, { notification, groups, digest, nowMs, asksAlertmanager, stateOf })
    const standing = news === undefined ? before : news(before)
    const othersStand = (serviceId: string) => standingOf(standing, serviceId)?.direction === 'up'
    const outcomes = groups.map((group) => carryOut(group, received, othersStand(group.autoscaler.observation.id)))
    const [carriedOut, refusal] = await Promise.all([Promise.all(outcomes), news && keptOrRefused(news)])
    const done = refusal === undefined ? carriedOut : groups.map((group, at) => refused(group, carriedOut[at], refusal))
    // What failed comes again, and must be new then.
    if (notification.reason === undefined && !done.some(({ outcome }) => outcome instanceof Fault)) {
      const firing = notification.alerts.filter(({ status }) => status === 'firing')
      const hashes = firing.map((alert) => alertHash(alert, digest))
      book.note((state) => rememberGroup(state, groupKey, { firing: hashes, nowMs }))
    }
    return done
  }

  const answer = async (
    notification: Notification,
    meaning: (alert: Alert) => AlertMeaning,
    { route, caller }: Pick<Received, 'route' | 'caller'>,
  ) => {
    const groupKey = groupHash(notification, route === undefined ? '' : `${route.direction} ${route.name}`, digest)
    const find = (target: AlertTarget) => findTarget(target, policies)
    const { results, groups } = groupAlerts(notification, { meaningOf: meaning, find, nowMs: now() })
    const done = await carryOutAll(groups, { notification, route, caller, groupKey })
    const filled = [...results]
    for (const [at, { positions }] of groups.entries()) {
      for (const [nth, position] of positions.entries()) {
        const outcome = done[at]?.each[nth]
        const fingerprint = notification.alerts[position]?.fingerprint
        if (outcome !== undefined && fingerprint !== undefined) filled[position] = alertResult(fingerprint, outcome)
      }
    }
    const all = filled.filter((result) => result !== undefined)
    warnings.tell(notification, all)
    return { results: all, outcome: done[0]?.outcome }
  }

  return {
    async receive(notification, caller) {
      const from = { route: undefined, caller }
      const { results } = await answer(notification, (alert) => meaningOf(alert, notification), from)
      return results
    },
    async receiveFor(route, notification) {
      const autoscaler = policies.find(route.name)
      const meaning = (alert: Alert) => routedMeaningOf(alert, notification, route)
      const { results, outcome = held(autoscaler, NOTHING_FIRES) } = await answer(notification, meaning, {
        route,
        caller: route.caller,
      })
      if (outcome instanceof Fault) throw outcome
      return { decision: outcome, results }
    },
    async end(name) {
      const { id } = policies.find(name).observation
      await keep((state) => end(state, ({ serviceId }) => serviceId === id))
      return catalog.get(name)
    },
  }
}

const MAX_REMEMBERED = 4096
const MAX_WARNINGS = 1000

/** Groups are told of again and again, and their alerts hashed each time. */
function remembering(digest: Digest): Digest {
  const known = new Map<string, string>()
  return (text) => {
    const hash = known.get(text) ?? digest(text)
    if (known.size >= MAX_REMEMBERED) known.clear()
    known.set(text, hash)
    return hash
  }
}

interface CarriedOut {
  readonly outcome: Outcome
  readonly each: readonly Outcome[]
}

function refused({ autoscaler, wishes }: AlertGroup, done: CarriedOut | undefined, refusal: Fault): CarriedOut {
  const wouldStand = autoscaler.reading.policy?.onFiring === 'repeat'
  if (done !== undefined && !wouldStand) return done
  return { outcome: refusal, each: wishes.map(() => refusal) }
}

/** The Swarm service of that name, else the autoscaler. */
function findTarget({ label, name }: AlertTarget, policies: AlertReceiverDeps['policies']): BoundPolicy {
  if (label === 'autoscaler') return policies.find(name)
  try {
    return policies.findByService(name)
  } catch (error) {
    if (error instanceof Fault && error.code === 'unknown-autoscaler') return policies.find(name)
    throw error
  }
}

/** What is wrong with an alert, once: it comes again and again until somebody mends its rule. */
function createAlertWarnings(logger: Logger) {
  const told = new Set<string>()
  return {
    tell({ sender, receiver }: Notification, results: readonly AlertResult[]): void {
      for (const result of results) {
        if (result.kind !== 'error' || result.retryAfterMs !== undefined) continue
        const { fingerprint, code, detail } = result
        const what = JSON.stringify([receiver, fingerprint, code])
        if (told.has(what)) continue
        if (told.size >= MAX_WARNINGS) told.clear()
        told.add(what)
        logger.warn({ event: 'alert-refused', sender, receiver, fingerprint, code }, detail)
      }
    },
  }
}

/** Waits for a promise so long and no longer; it goes on without us. Throws `late` when its time is over. */
function within<T>(promise: Promise<T>, timeMs: number, late: Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late), timeMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
