/**
 * Notifications of Alertmanager and Grafana in one normal form. Known by their shape: `version` "4" or "1" and a list
 * `alerts`; a sender's own template is none. What is missing or odd in them is never a fault: each alert is judged alone. Pure.
 */

import { isJsonObject } from '../../foundation/stored-json.ts'

export const SENDERS = ['alertmanager', 'grafana'] as const
export type Sender = (typeof SENDERS)[number]

export type Labels = ReadonlyMap<string, string>

export interface Alert {
  /** `unreadable`: neither firing nor resolved. */
  readonly status: 'firing' | 'resolved' | 'unreadable'
  /** As sent; empty where there is none. */
  readonly fingerprint: string
  /** What tells this alert from others: its fingerprint, else its labels. */
  readonly identity: string
  readonly startsAt: string
  readonly labels: Labels
  readonly annotations: Labels
}

export interface Notification {
  readonly sender: Sender
  readonly groupKey: string
  readonly receiver: string
  /** Why it was sent; Alertmanager says so since 0.32. Absent also where it says that it does not know. */
  readonly reason?: string
  /** How many alerts of the group are not in `alerts`. */
  readonly truncated: number
  readonly groupLabels: Labels
  readonly commonLabels: Labels
  readonly alerts: readonly Alert[]
}

const BY_VERSION: ReadonlyMap<unknown, Sender> = new Map([
  ['4', 'alertmanager'],
  ['1', 'grafana'],
])

/** `undefined`: the body is not a notification. */
export function readNotification(body: unknown): Notification | undefined {
  if (!isJsonObject(body) || !Array.isArray(body.alerts)) return undefined
  const sender = BY_VERSION.get(body.version)
  if (sender === undefined) return undefined
  const isOver = saysResolved(body)
  const truncated = typeof body.truncatedAlerts === 'number' && body.truncatedAlerts > 0 ? body.truncatedAlerts : 0
  const groupLabels = readLabels(body.groupLabels)
  const alerts = body.alerts.map((alert: unknown) => readAlert(alert, isOver))
  // The sender was told to leave out alerts, and left out all of them: the group is the alert.
  if (alerts.length === 0 && truncated > 0 && body.status === 'firing' && !isOver) alerts.push(groupAlert(groupLabels))
  const reason = text(body.notification_reason)
  return {
    sender,
    groupKey: text(body.groupKey),
    receiver: text(body.receiver),
    ...(reason !== '' && reason !== 'unknown' && { reason }),
    truncated,
    groupLabels,
    commonLabels: readLabels(body.commonLabels),
    alerts,
  }
}

/** What only notifications have, of these senders and of other tools, in lower case. None is a field of a call. */
const MARKS = new Set([
  ...['alerts', 'groupkey', 'grouplabels', 'commonlabels', 'commonannotations', 'truncatedalerts', 'externalurl'],
  ...['receiver', 'version', 'labels', 'annotations', 'fingerprint', 'startsat', 'endsat', 'generatorurl', 'alertname'],
  ...['status', 'state', 'rulename', 'ruleid', 'ruleurl', 'evalmatches', 'incident', 'heartbeat', 'newstatevalue'],
  ...['alert', 'alert_name', 'alert_state', 'alert_status', 'alert_title', 'alert_transition', 'alert_type'],
  ...['current_state', 'embeds', 'event_status', 'event_type', 'event_value', 'hoststate', 'monitorcondition'],
  ...['attachments', 'notificationtype', 'previouslevel', 'schemaid', 'servicestate', 'trigger_status', '_level'],
])

/** A text that says by its first word that something fires or is over: `[OK] High load`, `resolved`. */
const SAYS = /^[^A-Za-z0-9]*(?:resolved|recover(?:ed|y)|firing|alerting)(?![A-Za-z0-9])|^\s*\[ok\]|^\s*ok\s*$/i
/** A member in JSON that is in a text, quoted as often as it may be. */
const QUOTED = /"([A-Za-z_]{1,40})\\*"\s*:/g

/**
 * What makes a body look like a notification, however deep it is in objects, lists and texts: the name of a member, or what
 * a text begins with; `undefined`: nothing. Such a body is read by `readNotification` or refused, never taken for a plain
 * call: it may say that all is well again. `plainFields` of the body itself are the caller's own.
 */
export function notificationMark(body: unknown, plainFields: readonly string[] = []): string | undefined {
  const own = isJsonObject(body) ? Object.entries(body).filter(([name]) => !plainFields.includes(name)) : undefined
  // No recursion: a body may be nested as deep as it is long.
  const open: unknown[] = [own === undefined ? body : Object.fromEntries(own)]
  let seen = 0
  for (let value = open.pop(); value !== undefined || open.length > 0; value = open.pop()) {
    seen += 1
    if (seen + open.length > MOST_VALUES) return `more than ${MOST_VALUES} values`
    if (typeof value === 'string') {
      const mark = markIn(value, plainFields)
      if (mark !== undefined) return mark
    } else if (Array.isArray(value)) {
      for (const each of value) open.push(each)
    } else if (isJsonObject(value)) {
      const mark = Object.keys(value).find(isMark)
      if (mark !== undefined) return mark
      for (const each of Object.values(value)) open.push(each)
    }
  }
  return undefined
}

/** No plain call has as many, and looking at each takes its time. */
const MOST_VALUES = 10_000
const SHOWN_LENGTH = 40

function markIn(words: string, plainFields: readonly string[]): string | undefined {
  if (words.length < 2) return undefined
  if (SAYS.test(words)) return words.trim().slice(0, SHOWN_LENGTH)
  if (!words.includes('"')) return undefined
  for (const [, name = ''] of words.matchAll(QUOTED)) if (isMark(name) && !plainFields.includes(name)) return name
  return undefined
}

const isMark = (name: string): boolean => MARKS.has(name.trim().toLowerCase())

/** What the whole group says of itself, in either place, wins over its alerts: when in doubt, nothing fires. */
function saysResolved({ status, state }: Record<string, unknown>): boolean {
  const says = [status, state].map((each) => text(each).trim().toLowerCase())
  return says.some((word) => !['', 'firing', 'alerting'].includes(word))
}

function readAlert(raw: unknown, isOver: boolean): Alert {
  const alert = isJsonObject(raw) ? raw : {}
  const labels = readLabels(alert.labels)
  const fingerprint = text(alert.fingerprint)
  return {
    status: statusOf(alert.status, isOver),
    fingerprint,
    identity: fingerprint === '' ? canonical(labels) : fingerprint,
    startsAt: text(alert.startsAt),
    labels,
    annotations: readLabels(alert.annotations),
  }
}

function statusOf(status: unknown, isOver: boolean): Alert['status'] {
  if (status === 'resolved' || (status === 'firing' && isOver)) return 'resolved'
  return status === 'firing' ? 'firing' : 'unreadable'
}

function groupAlert(labels: Labels): Alert {
  return {
    status: 'firing',
    fingerprint: '',
    identity: canonical(labels),
    startsAt: '',
    labels: new Map(),
    annotations: new Map(),
  }
}

function readLabels(raw: unknown): Labels {
  const labels = new Map<string, string>()
  if (!isJsonObject(raw)) return labels
  for (const [name, value] of Object.entries(raw)) {
    if (typeof value === 'string') labels.set(name, value)
    else if (typeof value === 'number') labels.set(name, String(value))
  }
  return labels
}

const canonical = (labels: Labels): string => JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)))

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
