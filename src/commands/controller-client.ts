/** Talks to a controller for the commands: one call, its JSON answer or an Error that a person can act on. */
import { readFile } from 'node:fs/promises'
import { type Dispatcher, request } from 'undici'
import { loadConfig } from '../config/load.ts'
import type { Console } from './console.ts'

const TIMEOUT_MS = 10_000

export interface Call {
  readonly method?: Dispatcher.HttpMethod
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** `base` in place of ORRERY_URL. Throws an Error naming the address when nobody answers. */
export async function callController({ env }: Console, call: Call, base?: string): Promise<Answer> {
  const config = loadConfig(env)
  const url = new URL(call.path, `${base ?? config.url}/`)
  for (const [name, value] of Object.entries(call.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, value)
  const headers = { accept: 'application/json', ...call.headers, ...(await credential(config.cliTokenFile)) }
  try {
    const limits = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS }
    const { statusCode, body } = await request(url, { method: call.method ?? 'GET', headers, ...limits })
    return { status: statusCode, text: await body.text() }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(
      `no controller answers at ${url.origin} (${why}); set ORRERY_URL, or start one with \`orrery serve\``,
      {
        cause: error,
      },
    )
  }
}

export async function credential(tokenFile: string | undefined): Promise<Record<string, string>> {
  if (tokenFile === undefined) return {}
  const token = (await readFile(tokenFile, 'utf8')).trim()
  return { authorization: `Bearer ${token}` }
}

/** The controller's own words about what went wrong. */
export function problemText({ status, text }: Answer): string {
  try {
    const { detail, title, code } = JSON.parse(text)
    return `${code ?? status}: ${detail ?? title ?? text}`
  } catch {
    return `${status}: ${text}`
  }
}
