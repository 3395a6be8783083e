/**
 * Rows of `GET /v1/autoscaler?view=summary` as events: those that changed, a few times a second at most, made once however many
 * listen; and conditions that turned, pauses and alerts that began or ended. While nobody listens nothing is made.
 */
import type { Autoscaler, Catalog } from '../../../autoscaling/autoscaler.ts'
import type { Pause } from '../../../autoscaling/decision/shared-state.ts'
import { Fault } from '../../../foundation/errors.ts'
import type { EventSource, WireEvent } from '../../route-group.ts'
import { wirePause } from '../../wire/autoscaler.ts'
import { rfc3339 } from '../../wire/parts.ts'
import { wireSummary } from '../../wire/summary.ts'

const COALESCED_MS = 250
/** What time alone changes, and what nobody tells of. */
const LOOK_EVERY_MS = 5000
/** Rows with their conditions are half a KB each. */
const TOLD_AT_ONCE = 100

type Listener = Parameters<EventSource>[0]

export function summaryEvents(
  catalog: Pick<Catalog, 'list' | 'ofService' | 'onChange' | 'look'>,
  pausedAll: () => Pause | undefined,
): EventSource {
  const listeners = new Set<Listener>()
  /** As last told, by service. */
  const told = new Map<string, Told>()
  let toldOfAll: Pause | undefined
  const changed = new Set<string>()
  let isAllChanged = false
  let waiting: NodeJS.Timeout | undefined
  /** Those of a look at all that are not told yet. */
  let left: (readonly [service: string, Autoscaler | undefined])[] = []
  let next: NodeJS.Immediate | undefined
  let stop = () => {}

  const publish = (event: WireEvent) => {
    for (const listener of listeners) listener(event, () => event)
  }
  const look = (service: string, autoscaler: Autoscaler | undefined) => {
    const before = told.get(service)
    if (autoscaler === undefined) {
      told.delete(service)
      if (before !== undefined) publish({ type: 'autoscaler', data: { name: before.name, gone: true } })
      return
    }
    const row = wireSummary(autoscaler)
    const now = toldOf(autoscaler, JSON.stringify(row))
    told.set(service, now)
    if (before !== undefined) for (const event of turns(before, now, autoscaler)) publish(event)
    if (now.text === before?.text) return
    if (before !== undefined && before.name !== row.name) {
      publish({ type: 'autoscaler', data: { name: before.name, gone: true } })
    }
    publish({ type: 'autoscaler', data: row })
  }
  const lookAtPause = () => {
    const pause = pausedAll()
    if (JSON.stringify(pause) === JSON.stringify(toldOfAll)) return
    toldOfAll = pause
    publish(
      pause
        ? { type: 'pause', data: { everything: true, ...wirePause(pause) } }
        : { type: 'resume', data: { everything: true } },
    )
  }
  /** Some at a time: of a thousand that change at once, readers would be taken for slow before anything is sent. */
  const tellLeft = () => {
    next = undefined
    for (const [service, autoscaler] of left.splice(0, TOLD_AT_ONCE)) look(service, autoscaler)
    if (left.length > 0) next = setImmediate(tellLeft)
  }
  const flush = () => {
    // What is told is never older than what was told before.
    if (left.length > 0) {
      waiting = setTimeout(flush, COALESCED_MS)
      return
    }
    waiting = undefined
    lookAtPause()
    const services = [...changed]
    const isAll = isAllChanged
    changed.clear()
    isAllChanged = false
    if (!isAll) {
      for (const service of services) look(service, ofService(catalog, service))
      return
    }
    const present = new Map(catalog.list().map((one) => [one.observation.name, one]))
    for (const service of [...told.keys()]) if (!present.has(service)) look(service, undefined)
    left = [...present]
    tellLeft()
  }
  const start = () => {
    catalog.look()
    toldOfAll = pausedAll()
    for (const one of catalog.list()) told.set(one.observation.name, toldOf(one, JSON.stringify(wireSummary(one))))
    const note = (service?: string) => {
      if (service === undefined) isAllChanged = true
      else changed.add(service)
      waiting ??= setTimeout(flush, COALESCED_MS)
    }
    const end = catalog.onChange(note)
    const timer = setInterval(() => {
      catalog.look()
      note()
    }, LOOK_EVERY_MS)
    stop = () => {
      end()
      clearInterval(timer)
      clearTimeout(waiting)
      clearImmediate(next)
      waiting = undefined
      left = []
      told.clear()
      changed.clear()
      isAllChanged = false
    }
  }

  return (listener) => {
    if (listeners.size === 0) start()
    listeners.add(listener)
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) stop()
    }
  }
}

interface Told {
  readonly name: string
  /** The row. */
  readonly text: string
  readonly conditions: ReadonlyMap<string, boolean>
  readonly pause: Autoscaler['pause']
  /** By what tells them apart. */
  readonly alerts: ReadonlyMap<string, Autoscaler['alerts'][number]>
}

const toldOf = ({ name, conditions, pause, alerts }: Autoscaler, text: string): Told => ({
  ...{ name, text, pause },
  conditions: new Map(conditions.map(({ type, status }) => [type, status])),
  alerts: new Map(alerts.map((alert) => [alert.alertId, alert])),
})

function turns(before: Told, now: Told, { name: autoscaler, conditions }: Autoscaler): WireEvent[] {
  const turned = conditions.flatMap(({ type, status, reason, sinceMs }) =>
    (before.conditions.get(type) ?? status) === status
      ? []
      : [{ type: 'condition', data: { autoscaler, type, status, reason, since: rfc3339(sinceMs) } }],
  )
  const isOther = JSON.stringify(before.pause) !== JSON.stringify(now.pause)
  const paused = now.pause && isOther ? [{ type: 'pause', data: { autoscaler, ...wirePause(now.pause) } }] : []
  const resumed = now.pause === undefined && isOther ? [{ type: 'resume', data: { autoscaler } }] : []
  const alerts = (of: Told, others: Told, state: 'standing' | 'ended') =>
    [...of.alerts].flatMap(([fingerprint, { name, direction }]) =>
      others.alerts.has(fingerprint)
        ? []
        : [{ type: 'alert', data: { autoscaler, fingerprint, alert: name, direction, state } }],
    )
  return [...turned, ...paused, ...resumed, ...alerts(now, before, 'standing'), ...alerts(before, now, 'ended')]
}

/** `undefined`: it is none any more, or cannot be told now; the next look at all tells which. */
function ofService(catalog: Pick<Catalog, 'ofService'>, service: string): Autoscaler | undefined {
  try {
    return catalog.ofService(service)
  } catch (error) {
    // Gone, or not opted in.
    if (error instanceof Fault) return undefined
    throw error
  }
}
