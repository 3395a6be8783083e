/**
 * The guards that routes name for themselves: `onRequest: guard('scale')`, before any body is read.
 * Wrong credentials are counted per address; only they are ever slowed, a right one never is.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { Caller } from '../../autoscaling/decision/request.ts'
import { type AccessRules, createHostJudge, createJudge } from '../access/judge.ts'
import { DASHBOARD } from '../access/page.ts'
import type { Role } from '../access/tokens.ts'
import { HttpProblem } from '../problem.ts'
import type { Refuse } from './refuse.ts'

/** Calls back instead of returning a promise: whoever is let in does not wait for one. */
export type OnRequest = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void
export type Guard = (role: Role) => OnRequest

const BEARER = 'Bearer realm="orrery"'
const CHALLENGE = [BEARER, 'Basic realm="orrery", charset="UTF-8"']

/** The dashboard asks for a token itself: for its calls the browser's own dialog must not open. */
const challengeOf = ({ headers }: FastifyRequest) => (headers['x-requested-with'] === DASHBOARD ? [BEARER] : CHALLENGE)

/** Requests that a guard let in: for which role, and the name of their credential where it has one. */
const letIn = new WeakMap<FastifyRequest, { readonly needed: Role; readonly name?: string }>()

/** Whether a guard let it in to change something. */
export const mayChange = (request: FastifyRequest): boolean => {
  const needed = letIn.get(request)?.needed
  return needed === 'scale' || needed === 'admin'
}

export function createGuard(rules: AccessRules, refuse: Refuse): Guard {
  const judge = createJudge(rules)
  return (role) => (request, _reply, done) => {
    const verdict = judge(callerOf(request), role)
    if (!verdict.allowed) {
      refuse(request, { ...verdict, challenge: challengeOf(request) }).catch(done)
      return
    }
    letIn.set(request, { needed: role, ...(verdict.name !== undefined && { name: verdict.name }) })
    done()
  }
}

/** The strongest role that a caller has, whatever it asks for now. */
export function createRoleOf(rules: AccessRules): (request: FastifyRequest) => Role | 'none' {
  const judge = createJudge(rules)
  const strongestFirst: readonly Role[] = ['admin', 'scale', 'read']
  return (request) => strongestFirst.find((role) => judge(callerOf(request), role).allowed) ?? 'none'
}

/** Who asks: the name of the token, and the address of the socket. */
export function whoAsks(request: FastifyRequest): Caller {
  const name = letIn.get(request)?.name
  const address = request.raw.socket.remoteAddress
  if (address === undefined) return name === undefined ? {} : { name }
  return { address, ...(name !== undefined && { name }) }
}

/** On every route: a name that somebody else points here is answered with nothing. Before the guards. */
export function refuseForeignHosts(app: FastifyInstance, rules: AccessRules): void {
  if (rules.tokens !== undefined) return
  const judge = createHostJudge(rules)
  app.addHook('onRequest', ({ raw, headers }, _reply, done) => {
    const verdict = judge(hostInPath(raw.url) ?? headers.host)
    if (!verdict.allowed) done(new HttpProblem(verdict.code, verdict.detail))
    else if (raw.rawHeaders.filter(isHost).length > 1) done(new HttpProblem('malformed', 'It has more than one Host.'))
    else done()
  })
}

/** Of names and values in turn. */
const isHost = (text: string, index: number): boolean => index % 2 === 0 && text.length === 4 && /^host$/i.test(text)

/** A path may be a whole URL; its host is the one that counts then. */
const hostInPath = (url = '/'): string | undefined =>
  url.startsWith('/') ? undefined : /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1]

const callerOf = ({ raw, method, headers }: FastifyRequest) => ({
  method,
  host: headers.host,
  address: raw.socket.remoteAddress,
  authorization: headers.authorization,
  token: oneHeader(headers['x-orrery-token']),
  origin: headers.origin,
  fetchSite: oneHeader(headers['sec-fetch-site']),
  requestedWith: oneHeader(headers['x-requested-with']),
})

/** A header that may come repeatedly, as one text. */
export const oneHeader = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(', ') : header
