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
import type { Bounds } from '../policy/policy-at.ts'

const KEPT_POINTS = 256
/** Places are made for so many at first. */
const FIRST_PLACES = 4

export interface HistoryDeps {
  readonly services: Pick<Services, 'onChange'>
  /** Of a service, by id, at a time; absent: no policy holds. */
  readonly boundsAt: (serviceId: string, atMs: number) => Pick<Bounds, 'min' | 'max'> | undefined
  readonly now: Clock
}

export function createHistory({ services, boundsAt, now }: HistoryDeps): (serviceId: string) => CountHistory {
  const startedMs = now()
  const kept = new Map<string, Points>()
  const causes = createWords()

  services.onChange(({ id, before, after }) => {
    if (after === undefined) {
      kept.delete(id)
      return
    }
    const points = kept.get(id) ?? noPoints()
    const replicas = Math.min(after.replicas, LARGEST)
    // Not compared with `before`: after a resync that may be what somebody else's point was made of.
    if (points.count > 0 && points.numbers[(points.count - 1) * NUMBERS] === replicas) return
    const change = changeOf(after, before)
    const { min = NONE, max = NONE } = boundsAt(id, change.atMs) ?? {}
    const place = withPlace(points)
    place.atMs[place.count] = change.atMs
    place.numbers.set([replicas, min, max ?? UNLIMITED], place.count * NUMBERS)
    place.words.set([MADE_BY.indexOf(change.by), causes.indexOf(change.cause ?? '')], place.count * WORDS)
    place.count += 1
    kept.set(id, place)
  })

  const pointAt = ({ atMs, numbers, words }: Points, index: number): CountChange => {
    const [replicas = 0, min = NONE, max = NONE] = numbers.subarray(index * NUMBERS)
    const [by = 0, cause = 0] = words.subarray(index * WORDS)
    const why = causes.wordAt(cause)
    return {
      atMs: atMs[index] ?? 0,
      replicas,
      ...(min !== NONE && { min }),
      ...(max !== NONE && { max: max === UNLIMITED ? null : max }),
      by: MADE_BY[by] ?? 'start',
      ...(why !== '' && { cause: why }),
    }
  }

  return (serviceId) => {
    const points = kept.get(serviceId)
    const length = points?.count ?? 0
    return {
      sinceMs: startedMs,
      points: points === undefined ? [] : Array.from({ length }, (_, index) => pointAt(points, index)),
    }
  }
}

/** Packed: 1000 services may have 256 points each, and as objects those would be 30 MB. */
interface Points {
  count: number
  readonly atMs: Float64Array
  /** Replicas, min and max of each. */
  readonly numbers: Int32Array
  /** By whom and why, of each. */
  readonly words: Uint8Array
}

const [NUMBERS, WORDS] = [3, 2]
/** Nobody runs more; what somebody writes may be larger. */
const LARGEST = 2 ** 31 - 1
const [NONE, UNLIMITED] = [-2, -1]
const MADE_BY: readonly CountChange['by'][] = ['start', 'orrery', 'person', 'deploy', 'rollback']

const placesFor = (places: number): Omit<Points, 'count'> => ({
  atMs: new Float64Array(places),
  numbers: new Int32Array(places * NUMBERS),
  words: new Uint8Array(places * WORDS),
})

const noPoints = (): Points => ({ count: 0, ...placesFor(FIRST_PLACES) })

/** With room for one more: twice as large, or without the oldest. */
function withPlace(points: Points): Points {
  const { count, atMs, numbers, words } = points
  if (count < atMs.length) return points
  if (count >= KEPT_POINTS) {
    atMs.copyWithin(0, 1)
    numbers.copyWithin(0, NUMBERS)
    words.copyWithin(0, WORDS)
    points.count -= 1
    return points
  }
  const larger = { count, ...placesFor(Math.min(2 * count, KEPT_POINTS)) }
  larger.atMs.set(atMs)
  larger.numbers.set(numbers)
  larger.words.set(words)
  return larger
}

/** A number below 256 for each cause. Causes are read from labels, so that there may be any: the last number is of all others. */
function createWords() {
  const words = ['']
  return {
    wordAt: (index: number) => words[index] ?? '',
    indexOf(word: string): number {
      const known = words.indexOf(word)
      if (known >= 0) return known
      if (words.length === 255) words.push('another cause')
      if (words.length > 255) return 255
      return words.push(word) - 1
    },
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
