/** How a missing or wrong credential ends a request: counted per address when it is wrong, and logged without the secret. */
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { RefusalCode } from '../access/judge.ts'
import { HttpProblem } from '../problem.ts'
import { pathOf } from './errors.ts'

export interface Refusal {
  readonly code: RefusalCode
  readonly detail: string
  /** What a 401 says in WWW-Authenticate. */
  readonly challenge: string | readonly string[]
}

/** Always throws HttpProblem: what was wrong, or `too-many-attempts`. */
export type Refuse = (request: FastifyRequest, refusal: Refusal) => Promise<never>

const WRONG_ATTEMPTS = 10
const WINDOW_MS = 60_000

/** Registers the counter on `app`; works once the app is ready. */
export function createRefuse(app: FastifyInstance): Refuse {
  let countWrong: ReturnType<FastifyInstance['createRateLimit']> | undefined
  app.register(rateLimit, { global: false })
  app.after(() => {
    // The store keeps the newest 5000 addresses (an IPv6 /64 is one), so it cannot be made to grow.
    countWrong = app.createRateLimit({ max: WRONG_ATTEMPTS, timeWindow: WINDOW_MS })
  })
  const waitMsOf = async (request: FastifyRequest): Promise<number | undefined> => {
    const count = await countWrong?.(request)
    return count !== undefined && !count.isAllowed && count.isExceeded ? count.ttl : undefined
  }

  return async (request, { code, detail, challenge }) => {
    if (code === 'wrong-credential') {
      const waitMs = await waitMsOf(request)
      if (waitMs !== undefined) throw tooMany(waitMs)
      const { remoteAddress: peer } = request.raw.socket
      const fields = { event: 'wrong-credential', reqId: request.id, path: pathOf(request), peer }
      request.log.warn(fields, 'a caller with a wrong credential')
    }
    const isUnknown = code === 'no-credential' || code === 'wrong-credential'
    throw new HttpProblem(code, detail, isUnknown ? { headers: { 'www-authenticate': challenge } } : {})
  }
}

const tooMany = (retryAfterMs: number): HttpProblem =>
  new HttpProblem(
    'too-many-attempts',
    `More than ${WRONG_ATTEMPTS} wrong credentials in a minute came from this address.`,
    { retryAfterMs },
  )
