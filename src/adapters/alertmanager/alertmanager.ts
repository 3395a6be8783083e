/** Asks Alertmanager what fires (API v2). */
import { request } from 'undici'
import type { FiringAlerts } from '../../autoscaling/ports.ts'
import { withDeadline } from '../../foundation/deadline.ts'
import { readLimited } from '../../foundation/limited-text.ts'
import { baseOf, basicOf } from '../../foundation/url.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'

const TIMEOUT_MS = 5000
/** Of one answer: some 10,000 alerts. */
const MOST_BYTES = 16 * 1024 * 1024

export interface AlertmanagerOptions {
  /** Of its start page, a path prefix and user and password in it included. */
  readonly url: string
  /** Ends what is under way. */
  readonly signal: AbortSignal
}

export function createAlertmanager({ url, signal }: AlertmanagerOptions): FiringAlerts {
  const page = new URL(url)
  const authorization = basicOf(page)
  const get = async (path: string): Promise<unknown> =>
    await withDeadline({ timeoutMs: TIMEOUT_MS, signal }, async (within) => await getWithin(path, within))
  const getWithin = async (path: string, within: AbortSignal): Promise<unknown> => {
    const { statusCode, body } = await request(`${baseOf(page)}${path}`, {
      headers: { accept: 'application/json', ...withoutUndefined({ authorization }) },
      signal: within,
    })
    if (statusCode === 200) return JSON.parse(await readLimited(body, MOST_BYTES))
    await body.dump()
    throw new Error(`Alertmanager answers ${statusCode} to GET ${path}`)
  }
  return {
    async ask() {
      // A silenced alert is one that somebody wants nothing to be done about.
      const alerts = await get('/api/v2/alerts?silenced=false&inhibited=false')
      if (!Array.isArray(alerts)) throw new Error('Alertmanager does not answer with a list of alerts')
      const startedAtMs = startOf(await get('/api/v2/status').catch(() => undefined))
      const fingerprints = new Set(alerts.flatMap(firingFingerprint))
      return { fingerprints, ...withoutUndefined({ startedAtMs }) }
    },
  }
}

function firingFingerprint(alert: unknown): string[] {
  const fingerprint = at(alert, 'fingerprint')
  return typeof fingerprint === 'string' && at(at(alert, 'status'), 'state') !== 'suppressed' ? [fingerprint] : []
}

/** What it calls `uptime` is the time of its start. */
function startOf(status: unknown): number | undefined {
  const uptime = at(status, 'uptime')
  const startedAtMs = typeof uptime === 'string' ? Date.parse(uptime) : Number.NaN
  return Number.isNaN(startedAtMs) ? undefined : startedAtMs
}

const at = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
