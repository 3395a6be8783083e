/**
 * Errors as RFC 9457 `application/problem+json`: the one map from what went wrong to a status.
 * `type` is the stable `urn:orrery:problem:<code>`; `detail` is for a person and may change.
 */
import type { FastifyReply } from 'fastify'
import { Fault, type FaultCode } from '../foundation/errors.ts'
import type { RefusalCode } from './access/judge.ts'

interface Kind {
  readonly status: number
  readonly title: string
}

/** What only this layer can find wrong. */
type RequestCode =
  | 'malformed'
  | 'invalid-value'
  | 'unknown-route'
  | 'method-not-allowed'
  | 'request-timeout'
  | 'body-too-large'
  | 'uri-too-long'
  | 'too-many-attempts'
  | 'headers-too-large'
  | 'internal'

/** Outcomes of a decision that are errors of the caller's set-up. */
type OutcomeCode = 'unsupported' | 'invalid-policy'

export type ProblemCode = FaultCode | RefusalCode | RequestCode | OutcomeCode

export const PROBLEMS: Readonly<Record<ProblemCode, Kind>> = {
  malformed: { status: 400, title: 'The request cannot be read' },
  'invalid-value': { status: 400, title: 'A value is not allowed' },
  'no-credential': { status: 401, title: 'A credential is needed' },
  'wrong-credential': { status: 401, title: 'The credential is wrong' },
  'role-too-low': { status: 403, title: 'The role does not allow this' },
  'writes-closed': { status: 403, title: 'Writing is closed to this caller' },
  'foreign-origin': { status: 403, title: 'A page of another origin may not write' },
  'foreign-host': { status: 403, title: 'This is not a name of this machine' },
  'certificate-needed': { status: 403, title: 'The node is known by its certificate' },
  'unknown-autoscaler': { status: 404, title: 'There is no such autoscaler' },
  'unknown-network': { status: 404, title: 'There is no such network' },
  'unknown-node': { status: 404, title: 'There is no such node' },
  'unknown-route': { status: 404, title: 'There is no such route' },
  'method-not-allowed': { status: 405, title: 'The route has no such method' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'ambiguous-name': { status: 409, title: 'Several services have this name' },
  'node-mismatch': { status: 409, title: 'The report is of another node' },
  'count-changed': { status: 409, title: 'The count is no longer the expected one' },
  unsupported: { status: 409, title: 'This service cannot be scaled' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The path is too long' },
  'invalid-policy': { status: 422, title: 'The policy has errors' },
  'key-reused': { status: 422, title: 'The Idempotency-Key belongs to another request' },
  'too-many-attempts': { status: 429, title: 'Too many wrong credentials' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Something went wrong here' },
  // The engine answered and said no for good: no fault of the caller's, and repeating mends nothing.
  'write-rejected': { status: 502, title: 'The engine refuses the change' },
  'keys-exhausted': { status: 503, title: 'No more keys can be remembered now' },
  'not-in-sync': { status: 503, title: 'The Swarm cannot be read now' },
  'engine-unavailable': { status: 503, title: 'The engine cannot be reached' },
  'conflicts-exhausted': { status: 503, title: 'Others kept changing the service' },
  'write-unknown': { status: 503, title: 'The change was sent and not confirmed' },
  'consul-refused': { status: 502, title: 'Consul refuses the change' },
  'consul-unavailable': { status: 503, title: 'Consul cannot be reached' },
  'shutting-down': { status: 503, title: 'This controller is stopping' },
}

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail: string
}

export interface ProblemOptions {
  /** Response headers, by lower-case name. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Ms after which a repeat may succeed; said in whole seconds. */
  readonly retryAfterMs?: number | undefined
  /** Instead of the code's own. */
  readonly status?: number
  /** Further members of the body. */
  readonly members?: object
}

/** An error of this layer on its way to the caller. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly code: ProblemCode
  readonly options: ProblemOptions

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail)
    this.code = code
    this.options = options
  }
}

export const problem = (code: ProblemCode, detail: string): Problem => ({
  type: `urn:orrery:problem:${code}`,
  ...PROBLEMS[code],
  code,
  detail,
})

export const PROBLEM_TYPE = 'application/problem+json'

/** Whether a retry can mend it. */
export const isTransient = (code: ProblemCode): boolean => PROBLEMS[code].status === 503

const retryAfterSeconds = (code: ProblemCode, retryAfterMs: number | undefined): number | undefined =>
  isTransient(code) || retryAfterMs !== undefined ? Math.max(1, Math.ceil((retryAfterMs ?? 1000) / 1000)) : undefined

/** Status and headers, without a body. */
export function replyTo(reply: FastifyReply, { code, options }: HttpProblem): FastifyReply {
  const retryAfter = retryAfterSeconds(code, options.retryAfterMs)
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  for (const [name, value] of Object.entries(options.headers ?? {})) reply.header(name, value)
  return reply.code(options.status ?? PROBLEMS[code].status)
}

export function sendProblem(reply: FastifyReply, answer: HttpProblem): FastifyReply {
  return replyTo(reply, answer)
    .type(PROBLEM_TYPE)
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send({ ...answer.options.members, ...problem(answer.code, answer.message), status: reply.statusCode })
}

/** Any error as what the caller may know of it. The text of an unexpected one stays in the log. */
export function asHttpProblem(error: unknown, requestId: string): HttpProblem {
  if (error instanceof HttpProblem) return error
  if (error instanceof Fault) return new HttpProblem(error.code, error.message, { retryAfterMs: error.retryAfterMs })
  const { code, statusCode, message } = frameworkError(error)
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new HttpProblem('body-too-large', 'The body is larger than 1 MiB (1048576 bytes).')
  }
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return new HttpProblem('uri-too-long', 'A part of the path is too long.')
  if (statusCode >= 400 && statusCode < 500) return new HttpProblem('malformed', message)
  return new HttpProblem('internal', `The log has the details under request ${requestId}.`)
}

function frameworkError(error: unknown): { code: string; statusCode: number; message: string } {
  const of = (name: string): unknown =>
    typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined
  const statusCode = of('statusCode')
  return {
    code: String(of('code')),
    statusCode: typeof statusCode === 'number' ? statusCode : 500,
    message: error instanceof Error ? error.message : 'The request cannot be read.',
  }
}
