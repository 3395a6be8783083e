/** What an engine's failure means: the one place that classifies. */
import { Fault, messageOf } from '../../../foundation/errors.ts'
import type { WriteResult } from '../../../swarm/write-result.ts'

/**
 * `unsent`: no engine has seen the call. `unanswered`: it may have, and nothing (or half an answer) came back.
 * `status`: an answer that is not 2xx. `malformed`: a 2xx answer that is not what was asked for.
 */
export type EngineFailure = 'unsent' | 'unanswered' | 'status' | 'malformed'

/** A call that failed. The message is a sentence for a person. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly failure: EngineFailure
  readonly status: number | undefined
  /** The engine's own words, or the system's error code. */
  readonly detail: string

  constructor(
    failure: EngineFailure,
    message: string,
    options: { status?: number; detail?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.failure = failure
    this.status = options.status
    this.detail = options.detail ?? ''
  }
}

/** What the engine says of a stale version. It comes as 500, not 409: swarmkit's store error has no gRPC code. */
const OUT_OF_SEQUENCE = 'update out of sequence'
// Said by the engine itself before it asks any manager, so nothing can have been written.
const NO_MANAGER = [
  'is not a swarm manager',
  'is not part of a swarm',
  'needs to be unlocked',
  'certificates have expired',
]

export const isConflict = (error: EngineError): boolean => error.detail.includes(OUT_OF_SEQUENCE)
/** Swarm's own "service … not found"; a 404 without it comes from a proxy or is about something else. */
export const isGone = (error: EngineError): boolean => error.status === 404 && /\b(service|config) /.test(error.detail)
/** Of two who create a network at the same moment, the second is told 500: what the engine looks for beforehand was not there yet. */
export const isNameTaken = (error: EngineError): boolean =>
  error.status === 409 || /name conflicts with an existing object/.test(error.detail)

/** Of a write that failed. What is not known to be refused is `unknown`: it may take effect, now or later. */
export function writeResult(error: EngineError): Exclude<WriteResult, { kind: 'committed' }> {
  if (error.failure === 'unsent') return { kind: 'unsent', message: error.message }
  if (error.failure !== 'status' || error.status === undefined) return { kind: 'unknown', message: error.message }
  if (isConflict(error)) return { kind: 'conflict' }
  if (isGone(error)) return { kind: 'gone' }
  if (NO_MANAGER.some((words) => error.detail.includes(words))) return { kind: 'unsent', message: error.message }
  // 408 and 429 are a proxy's way to say what 503 says.
  const refused = error.status >= 300 && error.status < 500 && error.status !== 408 && error.status !== 429
  return { kind: refused ? 'rejected' : 'unknown', message: error.message }
}

/** As `writeResult`, of a call on one object of this kind: its own 404 says that it is gone. */
export function stepResult(error: unknown, kind: 'node' | 'network'): Exclude<WriteResult, { kind: 'committed' }> {
  if (!(error instanceof EngineError)) {
    return { kind: 'unknown', message: messageOf(error) }
  }
  if (isNameTaken(error)) return { kind: 'conflict' }
  return isGoneOf(error, kind) ? { kind: 'gone' } : writeResult(error)
}

/** Of two who remove a network at the same moment, the second is told 500 and `network <id> not found`. */
export const isGoneOf = (error: EngineError, kind: 'service' | 'node' | 'network'): boolean =>
  (error.status === 404 && new RegExp(`\\b${kind} `).test(error.detail)) ||
  (error.status === 500 && new RegExp(`\\b${kind} \\S+ not found\\s*$`).test(error.detail))

/** Of a read that failed. */
export const unavailable = (error: unknown): Fault =>
  new Fault('engine-unavailable', messageOf(error), {
    cause: error,
    retryAfterMs: 2000,
  })

/** A read for a port: rejects with Fault `engine-unavailable`, whatever it failed of. */
export const orUnavailable = <T>(read: Promise<T>): Promise<T> =>
  read.catch((error: unknown) => {
    throw unavailable(error)
  })

/** The sentence for an answer that is not 2xx. `endpoint` as in `GET /services/{id}`. */
export function statusSentence(endpoint: string, address: string, status: number, detail: string): string {
  // An engine in no Swarm says that it is no manager too, and what to run.
  if (detail.includes('is not part of a swarm') || detail.includes('docker swarm init')) {
    return `The engine at ${address} is not part of a swarm: run "docker swarm init" or "join", or point DOCKER_HOST at a manager's engine.`
  }
  if (detail.includes('is not a swarm manager')) {
    return `The engine at ${address} is not a swarm manager: point DOCKER_HOST at a manager's engine, or promote this node.`
  }
  if (detail.includes('needs to be unlocked')) {
    return `The swarm at ${address} is locked: run "docker swarm unlock" on that manager.`
  }
  if (detail.includes('does not have a leader')) {
    return 'The swarm has no leader: nothing can be read or written until more than half of its managers are up and reach each other.'
  }
  return `${endpoint} at ${address} answered ${status}: ${detail === '' ? 'no text' : detail}`
}

const CONNECT_SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket: mount the engine socket, or set DOCKER_HOST',
  EACCES: 'no permission to use the socket: run as root or in the group that owns it',
  ECONNREFUSED: 'nothing listens there: is the engine running?',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name cannot be looked up now',
  EHOSTUNREACH: 'no route to that host',
  ENETUNREACH: 'no route to that network',
}
// Found wrong in the TLS handshake, before the request is written.
const CERTIFICATE_CODES = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|HOSTNAME_MISMATCH)/

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''

const isConnecting = (cause: unknown): boolean =>
  cause instanceof Error && 'syscall' in cause && (cause.syscall === 'connect' || cause.syscall === 'getaddrinfo')

/** Of a connection that failed, before or after something was sent. */
export function connectionError(endpoint: string, address: string, cause: unknown): EngineError {
  const code = codeOf(cause)
  const unsent = isConnecting(cause) || CERTIFICATE_CODES.test(code)
  const text = CONNECT_SENTENCES[code]
  const why = (unsent ? text : undefined) ?? messageOf(cause)
  const message = unsent
    ? `The engine at ${address} cannot be reached: ${why}.`
    : `${endpoint} at ${address} broke off without a whole answer: ${why}.`
  return new EngineError(unsent ? 'unsent' : 'unanswered', message, { detail: code, cause })
}

/** Whether a socket kept from an earlier call turned out to be closed, or the peer hung up before it said anything. */
export const isReset = (error: unknown): boolean =>
  error instanceof EngineError &&
  error.failure === 'unanswered' &&
  (error.detail === 'ECONNRESET' || error.detail === 'EPIPE')

/** Of an answer whose body is not what was asked for, whatever reading it threw. */
export const malformed = (endpoint: string, cause: unknown): EngineError =>
  cause instanceof EngineError
    ? cause
    : new EngineError('malformed', `${endpoint} answered with something that is not JSON, or half of it.`, { cause })
