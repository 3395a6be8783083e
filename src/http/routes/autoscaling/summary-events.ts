/**
 * Rows of `GET /v1/autoscaler?view=summary` as events: those that changed, a few times a second at most, made once however many
 * listen. While nobody listens nothing is made.
 */
import type { Autoscaler, Catalog } from '../../../autoscaling/autoscaler.ts'
import { Fault } from '../../../foundation/errors.ts'
import type { EventSource, WireEvent } from '../../route-group.ts'
import { wireSummary } from '../../wire/summary.ts'

const COALESCED_MS = 250
/** What time alone changes, and what nobody tells of. */
const LOOK_EVERY_MS = 5000

type Listener = Parameters<EventSource>[0]

export function summaryEvents(catalog: Pick<Catalog, 'list' | 'ofService' | 'onChange' | 'look'>): EventSource {
  const listeners = new Set<Listener>()
  /** As last told, by service. */
  const told = new Map<string, { readonly name: string; readonly text: string }>()
  const changed = new Set<string>()
  let isAllChanged = false
  let waiting: NodeJS.Timeout | undefined
  let stop = () => {}

  const publish = (event: WireEvent) => {
    for (const listener of listeners) listener(event, () => event)
  }
  const look = (service: string, autoscaler: Autoscaler | undefined, isTold = true) => {
    const before = told.get(service)
    if (autoscaler === undefined) {
      told.delete(service)
      if (before !== undefined) publish({ type: 'autoscaler', data: { name: before.name, gone: true } })
      return
    }
    const row = wireSummary(autoscaler)
    const text = JSON.stringify(row)
    if (text === before?.text) return
    told.set(service, { name: row.name, text })
    if (before !== undefined && before.name !== row.name) {
      publish({ type: 'autoscaler', data: { name: before.name, gone: true } })
    }
    if (isTold) publish({ type: 'autoscaler', data: row })
  }
  const lookAtAll = (isTold: boolean) => {
    const present = new Map(catalog.list().map((one) => [one.observation.name, one]))
    for (const service of [...told.keys()]) if (!present.has(service)) look(service, undefined)
    for (const [service, autoscaler] of present) look(service, autoscaler, isTold)
  }
  const flush = () => {
    waiting = undefined
    const services = [...changed]
    const isAll = isAllChanged
    changed.clear()
    isAllChanged = false
    if (isAll) lookAtAll(true)
    else for (const service of services) look(service, ofService(catalog, service))
  }
  const start = () => {
    catalog.look()
    lookAtAll(false)
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
      waiting = undefined
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
