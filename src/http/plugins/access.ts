/**
 * The guards that routes name for themselves: `onRequest: guard('scale')`, before any body is read.
 * Wrong credentials are counted per address; only they are ever slowed, a right one never is.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type AccessRules, createJudge } from '../access/judge.ts'
import type { Role } from '../access/tokens.ts'
import type { Refuse } from './refuse.ts'

export type Guard = (role: Role) => (request: FastifyRequest, reply: FastifyReply) => Promise<void>

const CHALLENGE = ['Bearer realm="orrery"', 'Basic realm="orrery", charset="UTF-8"']

export function createGuard(rules: AccessRules, refuse: Refuse): Guard {
  const judge = createJudge(rules)
  return (role) => async (request) => {
    const verdict = judge(callerOf(request), role)
    if (!verdict.allowed) await refuse(request, { ...verdict, challenge: CHALLENGE })
  }
}

const callerOf = ({ raw, headers }: FastifyRequest) => ({
  address: raw.socket.remoteAddress,
  authorization: headers.authorization,
  token: oneHeader(headers['x-orrery-token']),
  origin: headers.origin,
  fetchSite: oneHeader(headers['sec-fetch-site']),
})

/** A header that may come repeatedly, as one text. */
export const oneHeader = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(', ') : header
