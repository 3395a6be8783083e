/**
 * Grafana's signature of a notification: HMAC-SHA256 in lower-case hex over the raw body, or over `<unix seconds>:` and
 * the raw body where the contact point names a header for the time. Pure.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const SIGNATURE_HEADER = 'x-grafana-alerting-signature'

export interface GrafanaSigning {
  readonly secret: string
  /** The header with the time, in any case; absent: Grafana sends none. */
  readonly timestampHeader?: string
}

/** Headers of a request as they came; repeated ones joined by commas. */
export interface SignedHeaders {
  readonly signature: string | undefined
  readonly timestamp: string | undefined
}

export interface SignatureRefusal {
  readonly code: 'no-credential' | 'wrong-credential'
  readonly detail: string
}

export interface SignatureCheck {
  /** What is wrong before any body was read: `undefined` if nothing is. */
  refuseHeaders(headers: SignedHeaders, nowMs: number): SignatureRefusal | undefined
  /** Only after `refuseHeaders` found nothing: of a body as it comes. */
  begin(headers: SignedHeaders): BodySignature
}

export interface BodySignature {
  add(chunk: Buffer): void
  /** At the end, once. Constant time. */
  refuse(): SignatureRefusal | undefined
}

const MAX_AGE_SECONDS = 300

const missing = (detail: string): SignatureRefusal => ({ code: 'no-credential', detail })
const wrong = (detail: string): SignatureRefusal => ({ code: 'wrong-credential', detail })

export function createSignatureCheck({ secret, timestampHeader }: GrafanaSigning): SignatureCheck {
  return {
    refuseHeaders({ signature, timestamp }, nowMs) {
      if (signature === undefined) {
        return missing(
          'This route takes only what Grafana has signed: set the HMAC secret of the contact point, which sends X-Grafana-Alerting-Signature.',
        )
      }
      if (!/^[0-9a-f]{64}$/.test(signature)) {
        return wrong('X-Grafana-Alerting-Signature is not the SHA-256 that Grafana sends: 64 digits of lower-case hex.')
      }
      return timestampHeader === undefined ? undefined : refuseTimestamp(timestampHeader, timestamp, nowMs)
    },
    begin({ signature = '', timestamp }) {
      const hmac = createHmac('sha256', secret)
      if (timestampHeader !== undefined) hmac.update(`${timestamp}:`)
      return {
        add: (chunk) => void hmac.update(chunk),
        refuse() {
          const expected = hmac.digest()
          const shown = Buffer.from(signature, 'hex')
          if (shown.length === expected.length && timingSafeEqual(shown, expected)) return undefined
          return wrong('The signature is not that of this body with the secret of ORRERY_GRAFANA_SECRET_FILE.')
        },
      }
    },
  }
}

/** The future is as wrong as the past: clocks that differ by more than this make every age a guess. */
function refuseTimestamp(header: string, timestamp: string | undefined, nowMs: number): SignatureRefusal | undefined {
  if (timestamp === undefined) {
    return missing(`The header ${header} with the time of the signature is missing: name it in the contact point.`)
  }
  if (!/^[0-9]{1,12}$/.test(timestamp)) return wrong(`The header ${header} must hold a time in whole unix seconds.`)
  const ageSeconds = Math.abs(Math.floor(nowMs / 1000) - Number(timestamp))
  if (ageSeconds <= MAX_AGE_SECONDS) return undefined
  return wrong(
    `The time in ${header} is ${ageSeconds} s away from this controller's; ${MAX_AGE_SECONDS} s are allowed. Compare the clocks.`,
  )
}
