/** The overview: what each row says, which tile it belongs to, and how rows are filtered and ordered. Pure. */
import type { Pause, Summary } from '../api-types.ts'
import { until } from './time.ts'

export const TILES = ['attention', 'scaling', 'held', 'at-max', 'paused', 'addresses'] as const
export type Tile = (typeof TILES)[number]

export const TILE_WORDS: Record<Tile, string> = {
  attention: 'Needs attention',
  scaling: 'Scaling now',
  held: 'Held',
  'at-max': 'At max',
  paused: 'Paused',
  addresses: 'Addresses short',
}

export type Tone = 'bad' | 'warn' | 'busy' | 'ok'

/** What a row says in one line, always made from one value. */
export interface Status {
  readonly tone: Tone
  readonly word: string
  readonly why: string
}

/** What is wrong where a condition is not as it should be. */
const WORDS: Readonly<Record<string, string>> = {
  ...{ Valid: 'invalid policy', Supported: 'not scaled', InSync: 'not in sync', WriteUnknown: 'write in doubt' },
  ...{ Unschedulable: 'no place', AtCapacity: 'addresses short', LoadMeasured: 'no data', InBounds: 'out of bounds' },
  ...{ RestorePending: 'restore due', RolloutSettled: 'rollout', Maintenance: 'maintenance', Paused: 'paused' },
}

const attentionOf = ({ type, reason: why }: NonNullable<Summary['attention']>) => ({ word: WORDS[type] ?? type, why })

const HELD = new Set(['cooldown', 'rollout', 'maintenance', 'unschedulable', 'unknown-write', 'no-data'])

/** `ofAll`: the pause of everything. */
export function statusOf(row: Summary, nowMs: number, ofAll?: Pause): Status {
  if (row.attention?.severity === 'error') return { tone: 'bad', ...attentionOf(row.attention) }
  const [pause] = [row.pause, ofAll].filter((one) => holds(one, nowMs))
  if (pause !== undefined) {
    return {
      tone: 'warn',
      word: 'paused',
      why: `${pause === ofAll ? 'everything is ' : ''}${pauseWords(pause, nowMs)}`,
    }
  }
  if (row.attention !== undefined) return { tone: 'warn', ...attentionOf(row.attention) }
  if (isScaling(row)) {
    return { tone: 'busy', word: 'scaling', why: `${row.running ?? '?'} of ${row.replicas} tasks are running` }
  }
  const next = row.nextAllowed.up ?? row.nextAllowed.down
  const wait = until(next, nowMs)
  if (wait !== '') {
    const direction = row.nextAllowed.up === undefined ? 'down' : 'up'
    return { tone: 'busy', word: 'cooldown', why: `${direction} is possible ${wait}` }
  }
  if (isAtMax(row)) return { tone: 'warn', word: 'at max', why: `max is ${row.max}` }
  if (row.dryRun) return { tone: 'warn', word: 'dry run', why: 'decides and reports, never writes' }
  return { tone: 'ok', word: 'ok', why: '' }
}

/** Until the API says so too, one that has ended is none. */
export const holds = (pause: Pause | undefined, nowMs: number): pause is Pause =>
  pause !== undefined && (pause.until === undefined || until(pause.until, nowMs) !== '')

export function pauseWords(pause: Pause, nowMs: number): string {
  const which = pause.direction === 'both' ? '' : ` (${pause.direction})`
  const ends = pause.until === undefined ? 'until it is resumed' : `ends ${until(pause.until, nowMs) || 'now'}`
  const who = [pause.by, pause.reason].filter((text) => text !== undefined && text !== '').join(': ')
  return `paused${which}, ${ends}${who === '' ? '' : ` — ${who}`}`
}

export function isIn(tile: Tile, row: Summary, nowMs: number, ofAll?: Pause): boolean {
  switch (tile) {
    case 'attention':
      return row.attention !== undefined
    case 'scaling':
      return isScaling(row)
    case 'held':
      return (
        until(row.nextAllowed.up ?? row.nextAllowed.down, nowMs) !== '' ||
        (row.lastOutcome === 'held' && HELD.has(row.lastCode ?? ''))
      )
    case 'at-max':
      return isAtMax(row)
    case 'paused':
      return holds(row.pause, nowMs) || holds(ofAll, nowMs) || row.attention?.type === 'Paused'
    case 'addresses':
      return row.attention?.type === 'AtCapacity' || row.lastCode === 'at-capacity'
    default:
      return tile satisfies never
  }
}

const isScaling = ({ running, replicas }: Summary) => typeof running === 'number' && running !== replicas
const isAtMax = ({ max, replicas }: Summary) => typeof max === 'number' && replicas >= max

export interface Group {
  readonly stack: string
  readonly rows: readonly Summary[]
}

export type Order = 'name' | 'worst'

export interface Shown {
  readonly groups: readonly Group[]
  readonly count: number
  readonly left: number
}

const byName = new Intl.Collator(undefined, { numeric: true }).compare
const TONES: Tone[] = ['bad', 'warn', 'busy', 'ok']

/** Every word must be found in the name, the stack or the status; at most `most` rows, and the rest is counted. */
export function overview(
  rows: readonly Summary[],
  {
    text = '',
    tile,
    order = 'name',
    most,
    nowMs,
    ofAll,
  }: {
    text?: string
    tile?: Tile | undefined
    order?: Order
    most: number
    nowMs: number
    ofAll?: Pause | undefined
  },
): Shown {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const found = rows.filter(
    (row) =>
      (tile === undefined || isIn(tile, row, nowMs, ofAll)) &&
      words.every((word) => `${row.name} ${row.service} ${row.stack ?? ''}`.toLowerCase().includes(word)),
  )
  const rank = (row: Summary) => (order === 'worst' ? TONES.indexOf(statusOf(row, nowMs, ofAll).tone) : 0)
  const stack = (row: Summary) => (order === 'worst' ? '' : (row.stack ?? ''))
  const sorted = found
    .map((row) => ({ row, rank: rank(row), stack: stack(row) }))
    .sort((a, b) => a.rank - b.rank || a.stack.localeCompare(b.stack) || byName(a.row.name, b.row.name))
  const groups = new Map<string, Summary[]>()
  for (const { row, stack: name } of sorted.slice(0, most)) {
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [row])
    else group.push(row)
  }
  return {
    groups: [...groups].map(([name, members]) => ({ stack: name, rows: members })),
    count: found.length,
    left: Math.max(0, found.length - most),
  }
}
