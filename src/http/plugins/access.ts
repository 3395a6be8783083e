/**
 * The guards that routes name for themselves: `onRequest: guard('scale')`, before any body is read.
 * Wrong credentials are counted per address; only they are ever slowed, a right one never is.
 */
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type AccessRules, createJudge } from '../access/judge.ts'
import type { Role } from '../access/tokens.ts'
import { HttpProblem } from '../problem.ts'

export type Guard = (role: Role) => (request: FastifyRequest, reply: FastifyReply) => Promise<void>

const WRONG_ATTEMPTS = 10
const WINDOW_MS = 60_000

const CHALLENGE = { 'www-authenticate': ['Bearer realm="orrery"', 'Basic realm="orrery", charset="UTF-8"'] }

/** Registers the counter on `app`; the guards work once the app is ready. */
export function createGuard(app: FastifyInstance, rules: AccessRules): Guard {
  const judge = createJudge(rules)
  let countWrong: ReturnType<FastifyInstance['createRateLimit']> | undefined
  app.register(rateLimit, { global: false })
  app.after(() => {
    // The store keeps the newest 5000 addresses (an IPv6 /64 is one), so it can not be made to grow.
    countWrong = app.createRateLimit({ max: WRONG_ATTEMPTS, timeWindow: WINDOW_MS })
  })
  const isTooOften = async (request: FastifyRequest): Promise<number | undefined> => {
    const count = await countWrong?.(request)
    return count !== undefined && !count.isAllowed && count.isExceeded ? count.ttl : undefined
  }

  return (role) => async (request) => {
    const verdict = judge(callerOf(request), role)
    if (verdict.allowed) return
    const { code, detail } = verdict
    const waitMs = code === 'wrong-credential' ? await isTooOften(request) : undefined
    if (waitMs !== undefined) {
      throw new HttpProblem(
        'too-many-attempts',
        `More than ${WRONG_ATTEMPTS} wrong credentials in a minute came from this address.`,
        {
          retryAfterMs: waitMs,
        },
      )
    }
    const isUnknown = code === 'no-credential' || code === 'wrong-credential'
    throw new HttpProblem(code, detail, isUnknown ? { headers: CHALLENGE } : {})
  }
}

const callerOf = ({ raw, headers }: FastifyRequest) => ({
  address: raw.socket.remoteAddress,
  authorization: headers.authorization,
  origin: headers.origin,
  fetchSite: single(headers['sec-fetch-site']),
})

const single = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(', ') : header
