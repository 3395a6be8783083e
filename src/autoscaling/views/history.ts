/**
 * Every change of a count that this controller saw, whoever made it. Made of observations, so that all controllers that saw a
 * change agree on it; in memory, from the controller's start on.
 */
import type { Clock } from '../../foundation/clock.ts'
import type { Services } from '../../swarm/ports.ts'
import { type ServiceObservation, STATE_LABEL } from '../../swarm/services.ts'
import type { CountChange, CountHistory } from '../autoscaler.ts'
import { foreignChange } from '../decision/foreign-change.ts'
import { decodeState } from '../decision/state.ts'

const KEPT_POINTS = 256

/** Columns: a point is three small values, and 1000 services may have 256 of them. */
interface Columns {
  readonly atMs: number[]
  readonly replicas: number[]
  readonly by: CountChange['by'][]
  /** Empty: none. */
  readonly cause: string[]
}

export function createHistory(services: Pick<Services, 'onChange'>, now: Clock): (serviceId: string) => CountHistory {
  const startedMs = now()
  /** Of most services there is no second one. */
  const first = new Map<string, CountChange>()
  const kept = new Map<string, Columns>()

  const add = (id: string, change: CountChange) => {
    const begun = first.get(id)
    const columns = kept.get(id) ?? (begun && { atMs: [], replicas: [], by: [], cause: [] })
    if (columns === undefined) {
      first.set(id, change)
      return
    }
    if (begun !== undefined) put(columns, begun)
    first.delete(id)
    kept.set(id, columns)
    put(columns, change)
  }

  const put = (columns: Columns, { atMs, replicas, by, cause = '' }: CountChange) => {
    columns.atMs.push(atMs)
    columns.replicas.push(replicas)
    columns.by.push(by)
    columns.cause.push(cause)
    if (columns.atMs.length > KEPT_POINTS) for (const column of Object.values(columns)) column.shift()
  }

  services.onChange(({ id, before, after }) => {
    if (after === undefined) {
      first.delete(id)
      kept.delete(id)
      return
    }
    // Not compared with `before`: after a resync that may be what somebody else's point was made of.
    const last = first.get(id)?.replicas ?? kept.get(id)?.replicas.at(-1)
    if (last !== after.replicas) add(id, changeOf(after, before))
  })

  return (serviceId) => {
    const begun = first.get(serviceId)
    if (begun !== undefined) return { sinceMs: startedMs, points: [begun] }
    const { atMs = [], replicas = [], by = [], cause = [] } = kept.get(serviceId) ?? {}
    const points = atMs.map((at, index) => {
      const why = cause[index] ?? ''
      const point = { atMs: at, replicas: replicas[index] ?? 0, by: by[index] ?? 'start' }
      return why === '' ? point : { ...point, cause: why }
    })
    return { sinceMs: startedMs, points }
  }
}

function changeOf(after: ServiceObservation, before: ServiceObservation | undefined): CountChange {
  const { replicas, firstSeenAtMs } = after
  const state = decodeState(after.labels[STATE_LABEL])
  // The time in the label is the same for every controller.
  if (state?.to === replicas) return { atMs: state.atMs, replicas, by: 'orrery', cause: state.cause }
  if (before === undefined) return { atMs: firstSeenAtMs, replicas, by: 'start' }
  const { kind } = foreignChange(after, before, undefined)
  if (kind !== 'none') return { atMs: firstSeenAtMs, replicas, by: kind }
  // Never scaled here: a person changes nothing but the count.
  return { atMs: firstSeenAtMs, replicas, by: after.previous?.sameButCount === false ? 'deploy' : 'person' }
}
