/** What one alert of a notification asks for: of which autoscaler, in which direction, how far. Pure. */

import type { Direction, Step } from '../policy/policy.ts'
import { parseStep } from '../policy/step.ts'
import type { Alert, Notification } from './notification.ts'

/** `service` is the name of a Swarm service, or an autoscaler's own name. */
export interface AlertTarget {
  readonly label: 'autoscaler' | 'service'
  readonly name: string
}

/** A wish of the alert's route, whatever the alert's labels say. */
export interface RoutedWish {
  readonly direction: Direction
  readonly by?: Step
}

export type AlertMeaning =
  /** `noData`: the measurement is broken or it is a test, so that it asks for nothing; says why. */
  | {
      readonly kind: 'wish'
      readonly target: AlertTarget
      readonly direction: Direction
      readonly by?: Step
      readonly firing: boolean
      readonly noData?: string
    }
  /** It concerns no autoscaler that could be named, and asks for nothing. */
  | { readonly kind: 'no-data'; readonly reason: string }
  | { readonly kind: 'problem'; readonly code: 'malformed' | 'invalid-value'; readonly detail: string }

/** Labels of the alert first, then those of the group, then the common ones. */
export function meaningOf(alert: Alert, notification: Notification): AlertMeaning {
  if (alert.status === 'unreadable') return problem('malformed', 'its status is neither "firing" nor "resolved"')
  const noData = noDataReason(alert, notification)
  const label = (name: string) =>
    alert.labels.get(name) ?? notification.groupLabels.get(name) ?? notification.commonLabels.get(name)
  const target = targetOf(label)
  const scale = label('scale')
  if (noData !== undefined && (target === undefined || !isDirection(scale))) return { kind: 'no-data', reason: noData }
  if (target === undefined) {
    return problem('invalid-value', 'it has no label autoscaler or service to say what it is for')
  }
  if (!isDirection(scale)) {
    const found = scale === undefined ? 'it has no label scale' : `its label scale is ${shown(scale)}`
    return problem('invalid-value', `${found}; write "up" or "down"`)
  }
  const by = stepOf(label('by'))
  if (by === 'malformed') {
    const right = 'write a whole number from 1, or per cent such as "25%"'
    return problem('invalid-value', `its label by is ${shown(label('by') ?? '')}; ${right}`)
  }
  return {
    kind: 'wish',
    target,
    direction: scale,
    ...(by && { by }),
    firing: alert.status === 'firing',
    ...(noData !== undefined && { noData }),
  }
}

/** As `meaningOf`, where the route has said what the alert is for. */
export function routedMeaningOf(
  alert: Alert,
  notification: Notification,
  { name, direction, by }: RoutedWish & { readonly name: string },
): AlertMeaning {
  if (alert.status === 'unreadable') return problem('malformed', 'its status is neither "firing" nor "resolved"')
  const noData = noDataReason(alert, notification)
  return {
    kind: 'wish',
    target: { label: 'autoscaler', name },
    direction,
    ...(by && { by }),
    firing: alert.status === 'firing',
    ...(noData !== undefined && { noData }),
  }
}

/** `DatasourceNoData` and `DatasourceError` are what Grafana names an alert of its own when a query fails. */
const BROKEN = new Set(['DatasourceNoData', 'DatasourceError'])

/**
 * Grafana makes a broken query an alert that fires, and a paused, edited or vanished rule one that resolves:
 * neither says anything of the load. `grafana_state_reason` is set on nothing else.
 */
function noDataReason(alert: Alert, { sender, groupKey }: Notification): string | undefined {
  const name = alert.labels.get('alertname')
  if (name !== undefined && BROKEN.has(name)) return `Grafana could not measure (${name})`
  const state = alert.annotations.get('grafana_state_reason')
  if (state !== undefined && state !== '') return `Grafana did not measure it (grafana_state_reason is ${shown(state)})`
  if (sender !== 'grafana') return undefined
  // The labels of a test can be chosen; its group key cannot: "<contact point>-<fingerprint>-<unix seconds>".
  return name === 'TestAlert' || isTestGroup(groupKey, alert) ? 'it is a test of the contact point' : undefined
}

function isTestGroup(groupKey: string, { fingerprint }: Alert): boolean {
  const mark = `-${fingerprint}-`
  const at = fingerprint === '' ? -1 : groupKey.lastIndexOf(mark)
  return at >= 0 && /^[0-9]+$/.test(groupKey.slice(at + mark.length))
}

function targetOf(label: (name: string) => string | undefined): AlertTarget | undefined {
  for (const kind of ['autoscaler', 'service'] as const) {
    const name = label(kind)
    if (name !== undefined && name !== '') return { label: kind, name }
  }
  return undefined
}

const isDirection = (scale: string | undefined): scale is Direction => scale === 'up' || scale === 'down'

function stepOf(written: string | undefined): Step | 'malformed' | undefined {
  if (written === undefined || written === '') return undefined
  return parseStep(written) ?? 'malformed'
}

function problem(code: 'malformed' | 'invalid-value', detail: string): AlertMeaning {
  return { kind: 'problem', code, detail: `This alert asks for nothing: ${detail}.` }
}

const SHOWN_LENGTH = 60

const shown = (text: string): string =>
  JSON.stringify(text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text)
