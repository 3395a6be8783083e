/**
 * What is remembered of alerts, as the labels of the Swarm config `orrery-alerts` hold it. Pure.
 *
 *   stand.<service id>.<up|down>.<alert id>   JSON
 *   group.<hash of the group>                 the time in base 36, a colon, 8 characters of hash for each firing alert
 */
import { type SeenAt, UNSEEN } from '../../foundation/clock.ts'
import { isWhole, parseJsonObject } from '../../foundation/stored-json.ts'
import { formatStep, parseStep } from '../policy/step.ts'
import {
  ALERT_HASH_LENGTH,
  type AlertState,
  type RememberedGroup,
  type StandingAlert,
  standingKey,
} from './alert-state.ts'
import { SENDERS } from './notification.ts'

const STAND = 'stand.'
const GROUP = 'group.'

/**
 * What cannot be read does not stand: the next notification says it again. Never throws. Nothing is younger than when it was
 * first seen: a clock that is ahead would let it stand for longer.
 */
export function decodeAlertState(labels: Readonly<Record<string, string>>, seenAtMs: SeenAt = UNSEEN): AlertState {
  const standing = new Map<string, StandingAlert>()
  const groups = new Map<string, RememberedGroup>()
  for (const [name, text] of Object.entries(labels)) {
    if (name.startsWith(STAND)) {
      const alert = decodeStanding(name.slice(STAND.length), text)
      if (alert !== undefined) standing.set(standingKey(alert), aged(alert, seenAtMs(name)))
    } else if (name.startsWith(GROUP)) {
      const group = decodeGroup(text)
      const latest = Math.floor(seenAtMs(name) / 1000)
      if (group !== undefined) {
        groups.set(name.slice(GROUP.length), { ...group, atSeconds: Math.min(group.atSeconds, latest) })
      }
    }
  }
  return { standing, groups }
}

/** The labels to write for `state`, given those it was read from: what says the same already keeps its text. */
export function encodeAlertState(
  state: AlertState,
  labels: Readonly<Record<string, string>>,
  seenAtMs: SeenAt = UNSEEN,
): Readonly<Record<string, string>> {
  const read = decodeAlertState(labels, seenAtMs)
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
    source: SENDERS.find((sender) => sender === src) ?? 'alertmanager',
    name: typeof name === 'string' ? name : '',
    startsAt: typeof starts === 'string' ? starts : '',
    ...(step && { by: step }),
    sinceMs: since,
    newsAtMs: news,
    replicas: isWhole(n) ? n : 0,
    suspended: off === 1,
  }
}

const aged = (alert: StandingAlert, seenAtMs: number): StandingAlert => ({
  ...alert,
  sinceMs: Math.min(alert.sinceMs, seenAtMs),
  newsAtMs: Math.min(alert.newsAtMs, seenAtMs),
})

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
