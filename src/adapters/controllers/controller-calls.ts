/**
 * Speaks to controllers as an agent does: `PUT /v1/node/<id>`. By Node's own client: an agent is on every node, and another
 * one would be a fifth of its memory. By HTTPS both sides show their Swarm certificates; where the other has none of this
 * Swarm, and a token is configured, the token is sent to whom an authority of this machine vouches for.
 */
import http from 'node:http'
import https from 'node:https'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { ControllerAnswer, ControllerCalls } from '../../agent/ports.ts'
import { codeOf } from '../../foundation/errors.ts'
import { parseJsonObject } from '../../foundation/stored-json.ts'
import { MANAGER_NAME, type SwarmIdentities, type SwarmIdentity } from '../../swarm/identity.ts'
import { NoWantedState, readWanted } from '../../swarm/wanted.ts'

const TIMEOUT_MS = 2_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

export interface ControllerCallsOptions {
  /** The bare token, where there are no certificates; absent: controllers that ask for none. */
  readonly token: string | undefined
  readonly certificates: Pick<SwarmIdentities, 'identity' | 'why'>
  /** Ids of the nodes that are managers now, as the local engine says; empty: not known. */
  readonly managers: () => readonly string[]
  readonly timeoutMs?: number
}

export interface RunningControllerCalls extends ControllerCalls {
  close(): void
}

interface Answer {
  readonly status: number
  readonly text: string
}

/** How the agent shows who it is. */
type Way = 'certificate' | 'token'

const CONNECTIONS = { keepAlive: true, maxSockets: 2, maxFreeSockets: 1 }

export function createControllerCalls({
  token,
  certificates,
  managers,
  timeoutMs = TIMEOUT_MS,
}: ControllerCallsOptions): RunningControllerCalls {
  const agents = { http: new http.Agent(CONNECTIONS), https: new https.Agent(CONNECTIONS) }
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  let swarm: { readonly identity: SwarmIdentity; readonly managers: string; readonly agent: https.Agent } | undefined
  /** Of each controller, the way that it took last. */
  const taken = new Map<string, Way>()

  /** Connections end with the certificate that they were made with, and with the managers of that time. */
  const swarmAgent = (): https.Agent | undefined => {
    const identity = certificates.identity()
    const ids = managers().toSorted()
    if (swarm?.identity === identity && (swarm?.managers ?? '') === ids.join()) return swarm?.agent
    swarm?.agent.destroy()
    swarm =
      identity === undefined
        ? undefined
        : { identity, managers: ids.join(), agent: new https.Agent(asNodeOf(identity, ids)) }
    return swarm?.agent
  }

  const waysTo = (url: string): readonly Way[] => {
    if (!url.startsWith('https:') || certificates.identity() === undefined) return ['token']
    if (token === undefined) return ['certificate']
    return taken.get(url) === 'token' ? ['token', 'certificate'] : ['certificate', 'token']
  }

  const begin = (url: URL, way: Way, wanted: http.RequestOptions): http.ClientRequest => {
    const { headers } = wanted
    const signal = AbortSignal.timeout(timeoutMs)
    if (way === 'certificate') return https.request(url, { ...wanted, signal, agent: swarmAgent() })
    const shown = { ...wanted, signal, headers: { ...headers, ...authorization } }
    return url.protocol === 'https:'
      ? https.request(url, { ...shown, agent: agents.https })
      : http.request(url, { ...shown, agent: agents.http })
  }

  const put = (url: URL, way: Way, text: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const body = Buffer.from(text)
      const headers = { 'content-type': 'application/json', 'content-length': body.length }
      const request = begin(url, way, { method: 'PUT', headers })
      request.on('error', reject)
      request.on('response', (response) => readBody(response).then(resolve, reject))
      request.end(body)
    })

  return {
    async report(url, report) {
      const target = new URL(`${url}/v1/node/${encodeURIComponent(report.nodeId)}`)
      const text = JSON.stringify(report)
      const reasons: string[] = []
      for (const way of waysTo(url)) {
        try {
          // A socket that was kept may have been closed at the other end meanwhile. To report twice does no harm.
          const answer = await put(target, way, text).catch(onceMoreAfterReset(() => put(target, way, text)))
          taken.set(url, way)
          return answerOf(url, answer, way)
        } catch (error) {
          const why = certificates.why()
          const isWithout = way === 'token' && url.startsWith('https:') && why !== undefined
          reasons.push(`${whySilent(url, error, timeoutMs)}${isWithout ? ` (no certificate is shown: ${why})` : ''}`)
          if (isAway(error)) break
        }
      }
      return { kind: 'silent', reason: reasons.join('; by token: ') }
    },
    close() {
      swarm?.agent.destroy()
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

/**
 * A session that is resumed is not looked at again, so none is. A worker's certificate is of the same authority as a
 * manager's: what tells them apart is the name, which only managers have, and the role. And one who was a manager keeps
 * its certificate for months: the engine says who is one now.
 */
const asNodeOf = ({ cert, key, ca, cluster }: SwarmIdentity, managers: readonly string[]): https.AgentOptions => ({
  ...CONNECTIONS,
  ...{ cert, key, ca, servername: MANAGER_NAME, minVersion: 'TLSv1.3', maxCachedSessions: 0 },
  checkServerIdentity(_host: string, shown: PeerCertificate) {
    const { O, OU, CN }: { O?: unknown; OU?: unknown; CN?: unknown } = shown.subject
    if (OU !== MANAGER_NAME || O !== cluster)
      return new Error(`its certificate is of no manager of this Swarm (OU=${String(OU)}, O=${String(O)})`)
    if (managers.length > 0 && !managers.some((id) => id === CN))
      return new Error(`its certificate is of ${String(CN)}, which is no longer a manager of this Swarm`)
    return checkServerIdentity(MANAGER_NAME, shown)
  },
})

/** Nobody is there: another way ends there too. */
const AWAY = new Set(['ABORT_ERR', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'ETIMEDOUT'])
const isAway = (error: unknown): boolean => AWAY.has(codeOf(error) ?? '')

const onceMoreAfterReset =
  (again: () => Promise<Answer>) =>
  (error: unknown): Promise<Answer> => {
    if (codeOf(error) === 'ECONNRESET' || codeOf(error) === 'EPIPE') return again()
    throw error
  }

async function readBody(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }
}

function answerOf(url: string, { status, text }: Answer, way: Way): ControllerAnswer {
  if (status !== 200) return { kind: 'refused', status, reason: whyRefused(url, { status, text }, way) }
  try {
    return { kind: 'wanted', wanted: readWanted(JSON.parse(text)), isProven: url.startsWith('https:') }
  } catch (error) {
    const why = error instanceof NoWantedState ? error.message : 'it is not JSON'
    return { kind: 'refused', status, reason: `${url} answers with something that is not a wanted state: ${why}` }
  }
}

const REMEDIES: Readonly<Record<number, string>> = {
  401: 'ORRERY_AGENT_TOKEN_FILE must name a file with the token that has the role `agent` in the token file of the controllers',
  403: 'the token needs the role `agent`; without a token file, controllers take reports from their own machine and from ORRERY_TRUSTED_CIDRS',
}

function whyRefused(url: string, { status, text }: Answer, way: Way): string {
  const remedy = way === 'token' ? REMEDIES[status] : undefined
  const said = detailOf(text)
  return `${url} answers ${status}${said === undefined ? '' : `: ${said}`}${remedy === undefined ? '' : ` (${remedy})`}`
}

/** Of problem details; a proxy's page is not shown. */
function detailOf(text: string): string | undefined {
  const detail = parseJsonObject(text)?.detail
  return typeof detail === 'string' ? detail.slice(0, 300) : undefined
}

function whySilent(url: string, error: unknown, timeoutMs: number): string {
  if (codeOf(error) === 'ABORT_ERR') return `${url} does not answer within ${timeoutMs} ms`
  const why = error instanceof Error && error.message !== '' ? error.message : String(codeOf(error) ?? error)
  return `${url} cannot be reached: ${why}`
}
