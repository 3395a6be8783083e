/** Asks Prometheus, or what speaks its API (VictoriaMetrics, Thanos, Mimir), for one number. */
import { setMaxListeners } from 'node:events'
import { request } from 'undici'
import { formatDecimal, readNumber } from '../../autoscaling/load/decimal.ts'
import { type Measurement, missing } from '../../autoscaling/load/measurement.ts'
import type { QuerySource } from '../../autoscaling/ports.ts'
import { withDeadline } from '../../foundation/deadline.ts'
import { messageOf } from '../../foundation/errors.ts'
import { createLimit } from '../../foundation/limit.ts'
import { baseOf, basicOf } from '../../foundation/url.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { failedMeasurement, NotFound, readAnswer } from './answer.ts'

const TIMEOUT_MS = 5000
const MOST_IN_FLIGHT = 20
/** What is older says how things were. Twice Prometheus' own default between two scrapes. */
const MOST_AGE_MS = 120_000
/** How far back is looked where nothing newer is found, in steps of what a Prometheus looks back by itself. */
const LOOKED_BACK = '2h:5m'

export interface PrometheusOptions {
  /** Of its start page, a path prefix and user and password in it included; asked before each query. May reject. */
  readonly url: () => Promise<string>
  readonly now: () => number
  /** Ends what is under way. */
  readonly signal: AbortSignal
}

export function createPrometheus({ url, now, signal }: PrometheusOptions): QuerySource {
  const limited = createLimit(MOST_IN_FLIGHT)
  // All that is under way waits for it.
  setMaxListeners(0, signal)

  const send = async (fields: Readonly<Record<string, string>>, within: AbortSignal): Promise<Measurement> => {
    const found = await url().catch((error: unknown) => {
      throw new NotFound(messageOf(error))
    })
    const page = new URL(found)
    const credential = withoutUndefined({ authorization: basicOf(page) })
    const { statusCode, body } = await request(`${baseOf(page)}/api/v1/query`, {
      method: 'POST',
      headers: { ...credential, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ timeout: `${TIMEOUT_MS}ms`, ...fields }).toString(),
      signal: within,
    })
    return judge(statusCode, await readAnswer(body), now())
  }

  const ask = async (query: string, within: AbortSignal): Promise<Measurement> => {
    try {
      // Before 2.44 it is left unheard, and what is 5 minutes old still counts.
      const found = await send({ query, lookback_delta: `${MOST_AGE_MS / 1000}s` }, within)
      if (found.kind !== 'missing' || found.why !== 'empty') return found
      const newest = await send({ query: `max(max_over_time(timestamp(${query}\n)[${LOOKED_BACK}]))` }, within)
      return newest.kind === 'value' ? tooOld(now() - Number(formatDecimal(newest.value)) * 1000) : found
    } catch (error) {
      return failedMeasurement(error, 'Prometheus')
    }
  }
  return {
    // Waiting for its turn counts, so that one that hangs holds up a tick for no longer, and no queue grows.
    ask: async (query) =>
      await withDeadline(
        { timeoutMs: TIMEOUT_MS, signal },
        async (within) => await limited(async () => await ask(query, within)),
      ),
  }
}

/** To about 5 minutes, where it had to be looked back. */
const tooOld = (ageMs: number): Measurement =>
  missing(
    'old',
    `the newest value is ${ageMs < 600_000 ? `${Math.round(ageMs / 1000)} s` : `${Math.round(ageMs / 60_000)} min`} old`,
  )

interface Answer {
  readonly status?: unknown
  readonly errorType?: unknown
  readonly error?: unknown
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown }
}

/** Prometheus says 400 and 422 where the query is to blame, and 503 where it took too long. */
function judge(status: number, text: string, nowMs: number): Measurement {
  let answer: Answer
  try {
    answer = JSON.parse(text) ?? {}
  } catch {
    return missing('error', `Prometheus answers ${status} and no JSON`)
  }
  if (status !== 200 || answer.status !== 'success') {
    const said = typeof answer.error === 'string' ? `: ${answer.error.slice(0, 200)}` : ''
    const why = answer.errorType === 'timeout' ? 'slow' : status === 400 || status === 422 ? 'refused' : 'error'
    return missing(why, `Prometheus ${why === 'refused' ? 'refuses the query' : `answers ${status}`}${said}`)
  }
  const result = answer.data?.result
  if (!Array.isArray(result)) return missing('no-number', 'Prometheus answers without a result')
  if (answer.data?.resultType === 'scalar') return ofSample(result, nowMs)
  if (answer.data?.resultType !== 'vector') {
    return missing('no-number', `the query gives a ${String(answer.data?.resultType)}; one number is needed`)
  }
  if (result.length === 0) return missing('empty', 'the query finds nothing')
  if (result.length > 1)
    return missing('several', `the query finds ${result.length} series; one is needed, by sum(…) say`)
  return ofSample(result[0]?.value, nowMs)
}

/** `[seconds since the epoch, "text of the number"]`. */
function ofSample(sample: unknown, nowMs: number): Measurement {
  const [atSeconds, text] = Array.isArray(sample) ? sample : []
  if (typeof atSeconds !== 'number' || typeof text !== 'string')
    return missing('no-number', 'the query gives no number')
  const ageMs = nowMs - atSeconds * 1000
  if (ageMs > MOST_AGE_MS) return tooOld(ageMs)
  return ofText(text)
}

function ofText(text: string): Measurement {
  const number = readNumber(text)
  if (number.kind === 'nan') return missing('nan', 'the query gives NaN')
  if (number.kind === 'infinite') return missing('infinite', 'the query gives an infinite value')
  if (number.kind !== 'number') return missing('no-number', 'the query gives no number')
  if (number.value < 0n) return missing('negative', 'the query gives a value below 0')
  return { kind: 'value', value: number.value }
}
