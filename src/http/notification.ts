/**
 * Alertmanager and Grafana notifications, known by their shape: `version` "4" or "1" and a list `alerts`.
 * A sender's own template (`status`, `labels`) is not one.
 */

export interface Notification {
  /** A group with any firing alert is firing. */
  readonly firing: boolean
  /**
   * What makes two deliveries the same one: neither sender has a delivery id, and a retry is byte for byte like
   * an intended repeat, so group, receiver and the firing alerts (fingerprint and start) have to do.
   */
  readonly key: string
}

/** `undefined`: the body is no notification. */
export function readNotification(body: unknown): Notification | undefined {
  if (!isRecord(body)) return undefined
  const { version, alerts, status, groupKey, receiver } = body
  if ((version !== '4' && version !== '1') || !Array.isArray(alerts)) return undefined
  const firing = alerts.filter((alert) => isRecord(alert) && alert.status === 'firing')
  const identities = firing.map((alert) => `${text(alert.fingerprint)}@${text(alert.startsAt)}`).sort()
  return {
    firing: status === 'firing' || (typeof status !== 'string' && firing.length > 0),
    key: JSON.stringify([text(groupKey), text(receiver), identities]),
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
