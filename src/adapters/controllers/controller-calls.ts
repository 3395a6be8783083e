/**
 * Speaks to controllers as an agent does: `PUT /v1/node/<id>`. By Node's own client: an agent is on every node, and another
 * one would be a fifth of its memory.
 */
import http from 'node:http'
import https from 'node:https'
import type { ControllerAnswer, ControllerCalls } from '../../agent/ports.ts'
import { NoWantedState, readWanted } from '../../swarm/wanted.ts'

const TIMEOUT_MS = 2_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

export interface ControllerCallsOptions {
  /** The bare token; absent: controllers that ask for none. */
  readonly token: string | undefined
  readonly timeoutMs?: number
}

export interface RunningControllerCalls extends ControllerCalls {
  close(): void
}

interface Answer {
  readonly status: number
  readonly text: string
}

export function createControllerCalls({
  token,
  timeoutMs = TIMEOUT_MS,
}: ControllerCallsOptions): RunningControllerCalls {
  const options = { keepAlive: true, maxSockets: 2, maxFreeSockets: 1 }
  const agents = { http: new http.Agent(options), https: new https.Agent(options) }
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }

  const put = (url: URL, text: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const body = Buffer.from(text)
      const headers = { 'content-type': 'application/json', 'content-length': body.length, ...authorization }
      const wanted = { method: 'PUT', headers, signal: AbortSignal.timeout(timeoutMs) }
      const request =
        url.protocol === 'https:'
          ? https.request(url, { ...wanted, agent: agents.https })
          : http.request(url, { ...wanted, agent: agents.http })
      request.on('error', reject)
      request.on('response', (response) => readBody(response).then(resolve, reject))
      request.end(body)
    })

  return {
    async report(url, report) {
      const target = new URL(`${url}/v1/node/${encodeURIComponent(report.nodeId)}`)
      const text = JSON.stringify(report)
      try {
        // A socket that was kept may have been closed at the other end meanwhile. To report twice does no harm.
        return answerOf(url, await put(target, text).catch(onceMoreAfterReset(() => put(target, text))))
      } catch (error) {
        return { kind: 'silent', reason: whySilent(url, error, timeoutMs) }
      }
    },
    close() {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

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

function answerOf(url: string, { status, text }: Answer): ControllerAnswer {
  if (status !== 200) return { kind: 'refused', status, reason: whyRefused(url, { status, text }) }
  try {
    return { kind: 'wanted', wanted: readWanted(JSON.parse(text)), isProven: url.startsWith('https:') }
  } catch (error) {
    const why = error instanceof NoWantedState ? error.message : 'it is no JSON'
    return { kind: 'refused', status, reason: `${url} answers with something that is no wanted state: ${why}` }
  }
}

const REMEDIES: Readonly<Record<number, string>> = {
  401: 'ORRERY_AGENT_TOKEN_FILE must name a file with the token that has the role `agent` in the token file of the controllers',
  403: 'the token needs the role `agent`; without a token file, controllers take reports from their own machine and from ORRERY_TRUSTED_CIDRS',
}

function whyRefused(url: string, { status, text }: Answer): string {
  const remedy = REMEDIES[status]
  const said = detailOf(text)
  return `${url} answers ${status}${said === undefined ? '' : `: ${said}`}${remedy === undefined ? '' : ` (${remedy})`}`
}

/** Of problem details; a proxy's page is not shown. */
function detailOf(text: string): string | undefined {
  try {
    const problem: unknown = JSON.parse(text)
    const detail = typeof problem === 'object' && problem !== null ? Reflect.get(problem, 'detail') : undefined
    return typeof detail === 'string' ? detail.slice(0, 300) : undefined
  } catch {
    return undefined
  }
}

function whySilent(url: string, error: unknown, timeoutMs: number): string {
  if (codeOf(error) === 'ABORT_ERR') return `${url} does not answer within ${timeoutMs} ms`
  const why = error instanceof Error && error.message !== '' ? error.message : String(codeOf(error) ?? error)
  return `${url} can not be reached: ${why}`
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
