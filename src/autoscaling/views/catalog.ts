/** The autoscalers as they are now, all from memory. */

import type { Clock } from '../../foundation/clock.ts'
import { createConditionTimes } from '../../foundation/conditions.ts'
import { createListeners } from '../../foundation/listeners.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { Services } from '../../swarm/ports.ts'
import type { ServiceObservation } from '../../swarm/services.ts'
import { alertsOf, alertTtlMs } from '../alerts/alert-state.ts'
import type { Autoscaler, Catalog, ConditionType, ServiceRow, Week } from '../autoscaler.ts'
import { cooldownEndMs, unsupportedMode } from '../decision/gates.ts'
import { activePause } from '../decision/shared-state.ts'
import type { LoadBook } from '../evaluation/load-book.ts'
import type { DecisionLog } from '../feed/decision-log.ts'
import { whyNotOptedIn } from '../policy/opt-in.ts'
import type { BoundPolicy, Policies } from '../policy/policies.ts'
import type { PolicyIssue, PolicyReading } from '../policy/policy.ts'
import { boundsAhead, policyAt } from '../policy/policy-at.ts'
import type { SharedStateStore } from '../ports.ts'
import type { AlertBook } from '../receiver/alert-book.ts'
import { DAY_MS } from '../schedule/calendar.ts'
import { findZone, instantOf, shownAt } from '../schedule/zone.ts'
import { capacityOf, effectiveState, type ScalerDeps } from '../writer/writer-context.ts'
import { conditionsOf } from './conditions.ts'
import { createHistory } from './history.ts'
import type { TaskViews } from './task-views.ts'

export interface CatalogDeps extends Pick<ScalerDeps, 'capacity' | 'troubles'> {
  readonly services: Services
  readonly sharedState: SharedStateStore
  readonly policies: Policies
  readonly log: DecisionLog
  readonly now: Clock
  readonly logger: Logger
  readonly writeUnknown: (serviceId: string) => boolean
  readonly alerts: Pick<AlertBook, 'current'>
  /** Absent: nobody looks at tasks here. */
  readonly taskViews?: TaskViews
  /** Alertmanager is asked which alerts fire: the default of `alert-ttl` depends on it. */
  readonly asksAlertmanager?: boolean
  /** Absent: load is not measured here. */
  readonly load?: Pick<LoadBook, 'of'>
}

/** `noteConditions`: some become true as time passes; called now and then, it is known since when. */
export function createCatalog(deps: CatalogDeps): Catalog & { readonly noteConditions: () => void } {
  const { services, sharedState, policies, log, now } = deps
  const history = createHistory({
    ...{ services, now },
    boundsAt: (id, atMs) => {
      const policy = policies.byId(id)?.reading.policy
      return policy && policyAt(policy, atMs)
    },
  })
  const timed = createConditionTimes<ConditionType>(now)

  const view = ({ observation, reading }: BoundPolicy): Autoscaler => {
    const nowMs = now()
    const { policy } = reading
    const bounds = policy && policyAt(policy, nowMs)
    const { pauses, pauseAll, restores } = sharedState.current()
    // One that has ended stays in the record until something else is written there.
    const pause = activePause(pauses.get(observation.id), nowMs)
    const restore = restores.get(observation.id)
    const state = effectiveState(observation, restore)
    const lastDecision = log.last(observation.id)
    const running = deps.taskViews?.running(observation.id)
    const writeUnknown = deps.writeUnknown(observation.id)
    const alerts = alertsOf(deps.alerts.current(), observation.id)
    const load = deps.load?.of(observation.id)
    const looksAtTasks = deps.troubles !== undefined
    const conditions = conditionsOf({
      observation,
      reading,
      bounds,
      pause,
      pauseAll,
      restore,
      state,
      alerts,
      sync: services.sync(),
      writeUnknown,
      nowMs,
      load,
      looksAtTasks,
      ...capacityOf(deps, observation),
    })
    const end = (direction: 'up' | 'down') => policy && cooldownEndMs(direction, { policy, state, nowMs, leastMs: 0 })
    const up = end('up')
    const down = end('down')
    return {
      name: reading.name,
      reading: withLoadIssues(withAlertTtl(reading, deps.asksAlertmanager === true), load),
      observation,
      ...(bounds && { bounds }),
      ...(running !== undefined && { running }),
      ...(state && { state }),
      ...(pause && { pause }),
      ...(restore && { restore }),
      alerts,
      conditions: timed(observation.id, conditions),
      nextAllowedMs: { ...(up !== undefined && { up }), ...(down !== undefined && { down }) },
      ...(lastDecision && { lastDecision }),
      ...(load && { load }),
    }
  }

  const rowOf = (observation: ServiceObservation): ServiceRow => {
    const reading = policies.byId(observation.id)?.reading
    const unsupported = unsupportedMode(observation.mode) ?? reading?.unsupported
    const running = deps.taskViews?.running(observation.id)
    const runs = running === undefined ? {} : { running }
    if (reading?.optedIn) {
      return {
        observation,
        ...runs,
        autoscaler: reading.name,
        ...(unsupported !== undefined && { reason: unsupported }),
      }
    }
    const why = reading && whyNotOptedIn(reading)
    const reason = unsupported ?? (why === undefined ? 'it has no scaling policy' : `it has no scaling policy: ${why}`)
    return { observation, ...runs, reason }
  }

  const weekOf = ({ observation, reading }: BoundPolicy): Week | undefined => {
    const { policy } = reading
    if (policy === undefined) return undefined
    const zones = new Set(policy.schedules.map(({ from }) => from.zone))
    const [only] = zones
    const zone = zones.size === 1 ? only : findZone('UTC')
    if (zone === undefined) return undefined
    const nowMs = now()
    const midnightMs = Math.floor(shownAt(zone, nowMs) / DAY_MS) * DAY_MS
    const [fromMs, endMs] = [instantOf(zone, midnightMs), instantOf(zone, midnightMs + 7 * DAY_MS)]
    const ahead = boundsAhead(policy, fromMs, endMs)
    const untilMs = ahead.stretches.at(-1)?.untilMs ?? endMs
    return { observation, reading, nowMs, zone: zone.name, fromMs, untilMs, ...ahead }
  }

  const changes = createListeners<string | undefined>(deps.logger)
  /** Since when a condition holds is when it came to be so, and not when somebody first asked. */
  const noteConditions = (id?: string) => {
    const bound = id === undefined ? [...policies.optedIn()] : [policies.byId(id)]
    for (const one of bound) if (one?.reading.optedIn) view(one)
  }
  services.onChange(({ id, before, after }) => {
    if (after === undefined) timed.forget(id)
    else noteConditions(id)
    changes.tell(after?.name ?? before?.name)
  })
  services.onSync(() => {
    noteConditions()
    changes.tell(undefined)
  })
  let shared = sharedState.current()
  sharedState.onChange((next) => {
    // What is promised of addresses changes often, and is no condition.
    const ids = [shared, next].flatMap(({ pauses, restores }) => [...pauses.keys(), ...restores.keys()])
    const isOfAll = shared.pauseAll !== next.pauseAll
    shared = next
    if (isOfAll) noteConditions()
    else for (const id of new Set(ids)) noteConditions(id)
    changes.tell(undefined)
  })
  log.subscribe(({ type, data }) => {
    if (type === 'decision') changes.tell(data.service)
  })
  deps.taskViews?.onChange((ids) => {
    for (const id of ids) {
      const name = services.get(id)?.name
      if (name !== undefined) changes.tell(name)
    }
  })

  return {
    list: () => [...policies.optedIn()].map(view).sort(byName),
    get: (name) => view(policies.find(name)),
    ofService: (service) => view(policies.findByService(service)),
    decisions: (name) => log.of(policies.find(name).observation.id),
    allDecisions: log.all,
    history: (name) => history(policies.find(name).observation.id),
    week: (name) => weekOf(policies.find(name)),
    tasks: (name) => {
      const id = name === undefined ? undefined : policies.find(name).observation.id
      return deps.taskViews?.list(id) ?? []
    },
    look: () => deps.taskViews?.look(),
    noteConditions: () => noteConditions(),
    onChange: (listener) => changes.add(listener),
    services: () => [...services.list()].map(rowOf).sort(byServiceName),
    sync: () => services.sync(),
  }
}

const byServiceName = ({ observation: a }: ServiceRow, { observation: b }: ServiceRow): number =>
  a.name < b.name ? -1 : 1

function byName(a: Autoscaler, b: Autoscaler): number {
  const [x, y] = a.name === b.name ? [a.observation.name, b.observation.name] : [a.name, b.name]
  return x < y ? -1 : 1
}

/** The default as it holds here, not as it is written. */
function withAlertTtl(reading: PolicyReading, asksAlertmanager: boolean): PolicyReading {
  if (reading.fields['alert-ttl']?.source !== 'default') return reading
  const minutes = alertTtlMs(undefined, asksAlertmanager) / MINUTE_MS
  const value = minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
  return { ...reading, fields: { ...reading.fields, 'alert-ttl': { value, source: 'default' } } }
}

const MINUTE_MS = 60_000

/** What can only be known by asking: a query that is refused, a path that finds no number. It hinders nothing but measured load. */
function withLoadIssues(reading: PolicyReading, load: Autoscaler['load']): PolicyReading {
  const wrong = load?.metrics.filter(({ missing }) => missing === 'refused' || missing === 'no-number') ?? []
  if (wrong.length === 0) return reading
  const issues = wrong.map(({ name, reason }): PolicyIssue => {
    const field = reading.fields[`metric.${name}.query`] === undefined ? `metric.${name}.path` : `metric.${name}.query`
    const value = reading.fields[field]?.value
    const label = reading.fields[field]?.source === 'file' ? field : `autoscaler.${field}`
    return { severity: 'warning', field: label, ...(value !== undefined && { value }), message: reason }
  })
  return { ...reading, issues: [...reading.issues, ...issues] }
}
