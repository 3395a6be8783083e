/** Speaks to controllers as an agent does: `PUT /v1/node/<id>`. */
import { Agent, request } from 'undici'
import type { ControllerAnswer, ControllerCalls } from '../../agent/ports.ts'
import { NoWantedState, readWanted } from '../../agent/read-wanted.ts'

const TIMEOUT_MS = 2_000
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

export interface ControllerCallsOptions {
  /** The bare token; absent: controllers that ask for none. */
  readonly token: string | undefined
  readonly timeoutMs?: number
}

export interface RunningControllerCalls extends ControllerCalls {
  close(): Promise<void>
}

export function createControllerCalls({
  token,
  timeoutMs = TIMEOUT_MS,
}: ControllerCallsOptions): RunningControllerCalls {
  const dispatcher = new Agent({ connections: 1, pipelining: 1, maxResponseSize: MAX_ANSWER_BYTES })
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  return {
    async report(url, report) {
      try {
        const { statusCode, body } = await request(`${url}/v1/node/${encodeURIComponent(report.nodeId)}`, {
          dispatcher,
          method: 'PUT',
          headers,
          body: JSON.stringify(report),
          signal: AbortSignal.timeout(timeoutMs),
        })
        return answerOf({ url, status: statusCode, text: await body.text() })
      } catch (error) {
        return { kind: 'silent', reason: whySilent(url, error, timeoutMs) }
      }
    },
    close: () => dispatcher.destroy(),
  }
}

function answerOf({ url, status, text }: { url: string; status: number; text: string }): ControllerAnswer {
  if (status !== 200) return { kind: 'refused', status, reason: whyRefused({ url, status, text }) }
  try {
    return { kind: 'wanted', wanted: readWanted(JSON.parse(text)) }
  } catch (error) {
    const why = error instanceof NoWantedState ? error.message : 'it is no JSON'
    return { kind: 'refused', status, reason: `${url} answers with something that is no wanted state: ${why}` }
  }
}

const REMEDIES: Readonly<Record<number, string>> = {
  401: 'ORRERY_AGENT_TOKEN_FILE must name a file with the token that has the role `agent` in the token file of the controllers',
  403: 'the token needs the role `agent`; without a token file, controllers take reports from their own machine and from ORRERY_TRUSTED_CIDRS',
}

function whyRefused({ url, status, text }: { url: string; status: number; text: string }): string {
  const remedy = REMEDIES[status]
  const said = detailOf(text)
  return `${url} answers ${status}${said === undefined ? '' : `: ${said}`}${remedy === undefined ? '' : ` (${remedy})`}`
}

/** Of problem details; a proxy's page is not shown. */
function detailOf(text: string): string | undefined {
  try {
    const { detail }: { detail?: unknown } = JSON.parse(text) ?? {}
    return typeof detail === 'string' ? detail.slice(0, 300) : undefined
  } catch {
    return undefined
  }
}

function whySilent(url: string, error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `${url} does not answer within ${timeoutMs} ms`
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const why = error instanceof Error && error.message !== '' ? error.message : String(code ?? error)
  return `${url} can not be reached: ${why}`
}
