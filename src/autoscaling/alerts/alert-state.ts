/**
 * What is remembered of alerts, for all controllers: those that stand, and which of them each group of alerts was last seen to
 * have. Pure; kept in the labels of the Swarm config `orrery-alerts`:
 *
 *   stand.<service id>.<up|down>.<alert id>   JSON
 *   group.<hash of the group>                 the time in base 36, a colon, 8 characters of hash for each firing alert
 */
import { isWhole, parseJsonObject } from '../../foundation/stored-json.ts'
import type { Direction, Step } from '../policy/policy.ts'
import { formatStep, parseStep } from '../policy/step.ts'
import type { Sender } from './notification.ts'

/** An alert that fires for a service with `autoscaler.on-firing=repeat`: a step each time one is due. */
export interface StandingAlert {
  readonly serviceId: string
  readonly direction: Direction
  /** Its fingerprint, or a hash of it where that is no word of at most 64 characters. */
  readonly alertId: string
  readonly source: Sender
  /** The alert's name, for people; empty if it has none. */
  readonly name: string
  /** When its sender says that it began; as sent. */
  readonly startsAt: string
  readonly by?: Step
  /** When it first stood here. */
  readonly sinceMs: number
  /** When a notification, or Alertmanager when asked, last said that it fires; to about a tenth of its time to live. */
  readonly newsAtMs: number
  /** The service's count when a notification last made it stand. */
  readonly replicas: number
  /** Somebody set the count by hand since: no step until the next notification. */
  readonly suspended: boolean
}

/** A group of alerts, to know a notification that only comes because some of them resolved. */
export interface RememberedGroup {
  readonly atSeconds: number
  /** 8 characters each. */
  readonly firing: ReadonlySet<string>
}

export interface AlertState {
  /** By `standingKey`. */
  readonly standing: ReadonlyMap<string, StandingAlert>
  /** By hash. */
  readonly groups: ReadonlyMap<string, RememberedGroup>
}

export const EMPTY_ALERT_STATE: AlertState = { standing: new Map(), groups: new Map() }

export const ALERT_HASH_LENGTH = 8

const STAND = 'stand.'
const GROUP = 'group.'

export const standingKey = ({
  serviceId,
  direction,
  alertId,
}: Pick<StandingAlert, 'serviceId' | 'direction' | 'alertId'>): string => `${serviceId}.${direction}.${alertId}`

/** What can not be read does not stand: the next notification says it again. Never throws. */
export function decodeAlertState(labels: Readonly<Record<string, string>>): AlertState {
  const standing = new Map<string, StandingAlert>()
  const groups = new Map<string, RememberedGroup>()
  for (const [name, text] of Object.entries(labels)) {
    if (name.startsWith(STAND)) {
      const alert = decodeStanding(name.slice(STAND.length), text)
      if (alert !== undefined) standing.set(standingKey(alert), alert)
    } else if (name.startsWith(GROUP)) {
      const group = decodeGroup(text)
      if (group !== undefined) groups.set(name.slice(GROUP.length), group)
    }
  }
  return { standing, groups }
}

/** The labels to write for `state`, given those it was read from: what says the same already keeps its text. */
export function encodeAlertState(
  state: AlertState,
  labels: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const read = decodeAlertState(labels)
  const next = new Map(Object.entries(labels))
  for (const key of new Set([...read.standing.keys(), ...state.standing.keys()])) {
    const alert = state.standing.get(key)
    const before = read.standing.get(key)
    if (alert === undefined) next.delete(STAND + key)
    else if (before === undefined || encodeStanding(before) !== encodeStanding(alert)) {
      next.set(STAND + key, encodeStanding(alert))
    }
  }
  for (const key of new Set([...read.groups.keys(), ...state.groups.keys()])) {
    const group = state.groups.get(key)
    const before = read.groups.get(key)
    if (group === undefined) next.delete(GROUP + key)
    else if (before === undefined || encodeGroup(before) !== encodeGroup(group)) {
      next.set(GROUP + key, encodeGroup(group))
    }
  }
  return Object.fromEntries(next)
}

function encodeStanding({ source, name, startsAt, by, sinceMs, newsAtMs, replicas, suspended }: StandingAlert): string {
  return JSON.stringify({
    src: source,
    name: name === '' ? undefined : name,
    starts: startsAt,
    by: by && formatStep(by),
    since: sinceMs,
    news: newsAtMs,
    n: replicas,
    off: suspended ? 1 : undefined,
  })
}

function decodeStanding(key: string, text: string): StandingAlert | undefined {
  const [, serviceId, direction, alertId] = /^([^.]+)\.(up|down)\.([^.]+)$/.exec(key) ?? []
  if (serviceId === undefined || alertId === undefined) return undefined
  const { src, name, starts, by, since, news, n, off } = parseJsonObject(text) ?? {}
  if (!isWhole(since) || !isWhole(news)) return undefined
  const step = typeof by === 'string' ? parseStep(by) : undefined
  return {
    serviceId,
    direction: direction === 'down' ? 'down' : 'up',
    alertId,
    source: src === 'grafana' ? 'grafana' : 'alertmanager',
    name: typeof name === 'string' ? name : '',
    startsAt: typeof starts === 'string' ? starts : '',
    ...(step && { by: step }),
    sinceMs: since,
    newsAtMs: news,
    replicas: isWhole(n) ? n : 0,
    suspended: off === 1,
  }
}

function encodeGroup({ atSeconds, firing }: RememberedGroup): string {
  return `${atSeconds.toString(36)}:${[...firing].join('')}`
}

function decodeGroup(text: string): RememberedGroup | undefined {
  const [, at, hashes] = /^([0-9a-z]{1,9}):([A-Za-z0-9_-]*)$/.exec(text) ?? []
  if (at === undefined || hashes === undefined || hashes.length % ALERT_HASH_LENGTH !== 0) return undefined
  const firing = new Set<string>()
  for (let from = 0; from < hashes.length; from += ALERT_HASH_LENGTH) {
    firing.add(hashes.slice(from, from + ALERT_HASH_LENGTH))
  }
  return { atSeconds: Number.parseInt(at, 36), firing }
}
