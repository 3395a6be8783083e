/**
 * Faults as tagged errors. What a policy refuses is a Decision, never one of these.
 * The map from code to HTTP status is `src/http/problem.ts`, in one place.
 */
export type FaultCode =
  | 'unknown-autoscaler'
  | 'ambiguous-name'
  | 'unknown-network'
  | 'unknown-node'
  | 'node-mismatch'
  | 'certificate-needed'
  | 'key-reused'
  | 'count-changed'
  | 'keys-exhausted'
  | 'not-in-sync'
  | 'engine-unavailable'
  | 'conflicts-exhausted'
  | 'write-unknown'
  | 'write-rejected'
  | 'shutting-down'
  | 'consul-unavailable'
  | 'consul-refused'

export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  /** Ms a caller should wait before it repeats the call; set for what a retry can fix. */
  readonly retryAfterMs: number | undefined

  constructor(code: FaultCode, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.retryAfterMs = options.retryAfterMs
  }
}

/** `ENOENT`, `UND_ERR_HEADERS_TIMEOUT`, …: what Node and packages tell their errors apart by; `undefined`: it has none. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** Of a file or folder: there is none. */
export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'

/** What was thrown, in words for a person. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
