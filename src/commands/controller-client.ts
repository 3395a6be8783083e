/** Talks to a controller for the commands: one call, its JSON answer or an Error that a person can act on. */
import { readFile } from 'node:fs/promises'
import { type Dispatcher, request } from 'undici'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { messageOf } from '../foundation/errors.ts'
import { readLimited } from '../foundation/limited-text.ts'
import { basicOf } from '../foundation/url.ts'
import { visibleText } from '../foundation/visible-text.ts'
import { parseTokenFile, type Role } from '../http/access/tokens.ts'
import type { Console } from './console.ts'

const TIMEOUT_MS = 10_000
/** For a whole answer: what goes on and on is no controller's. */
const ANSWER_MS = 60_000
/** Of ten thousand services or nodes, with everything. */
const MOST_BYTES = 128 * 1024 * 1024
/** Of one event. */
const MOST_CHARACTERS = 8 * 1024 * 1024
/** What went wrong is said in a sentence. */
const MOST_SAID = 2000

export interface Call {
  readonly method?: Dispatcher.HttpMethod
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** `base` in place of ORRERY_URL. Throws an Error naming the address when nobody answers. */
export async function callController({ env }: Console, call: Call, base?: string): Promise<Answer> {
  const config = loadConfig(env)
  const address = base ?? config.url
  const url = controllerUrl(address, call.path)
  for (const [name, value] of Object.entries(call.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, value)
  const isJson = call.body === undefined ? {} : { 'content-type': 'application/json' }
  const headers = { accept: 'application/json', ...isJson, ...call.headers, ...(await credential(config, address)) }
  const sent = call.body === undefined ? {} : { body: JSON.stringify(call.body) }
  const ending = new AbortController()
  const timer = setTimeout(() => ending.abort(new Error(`no whole answer in ${ANSWER_MS / 1000} s`)), ANSWER_MS)
  try {
    const limits = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS, signal: ending.signal }
    // It follows no redirect: where the credential goes is what ORRERY_URL says.
    const { statusCode, body } = await request(url, { method: call.method ?? 'GET', headers, ...sent, ...limits })
    return { status: statusCode, text: await readLimited(body, MOST_BYTES) }
  } catch (error) {
    const why = messageOf(error)
    throw new Error(
      `no controller answers at ${url.origin} (${why}); set ORRERY_URL, or start one with \`orrery serve\``,
      {
        cause: error,
      },
    )
  } finally {
    clearTimeout(timer)
  }
}

/** The blocks of a stream of server-sent events, until it ends. Throws an Error naming the address, or what was refused. */
export async function* openStream({ env }: Console, path: string): AsyncGenerator<string, void> {
  const config = loadConfig(env)
  const url = controllerUrl(config.url, path)
  const headers = { accept: 'text/event-stream', ...(await credential(config, config.url)) }
  const { statusCode, body } = await request(url, { headers, headersTimeout: TIMEOUT_MS, bodyTimeout: 0 }).catch(
    (cause: unknown) => {
      throw new Error(`no controller answers at ${url.origin}; set ORRERY_URL`, { cause })
    },
  )
  if (statusCode !== 200) {
    throw new Error(problemText({ status: statusCode, text: await readLimited(body, MOST_CHARACTERS) }))
  }
  let rest = ''
  for await (const chunk of body.setEncoding('utf8')) {
    const blocks = `${rest}${chunk}`.split('\n\n')
    rest = blocks.pop() ?? ''
    yield* blocks
    if (rest.length > MOST_CHARACTERS)
      throw new Error(`what ${url.origin} sends is not an event of a controller: it does not end`)
  }
}

/** `path` below the path that the address may have, without its credential, and without a query that is none of the call's. */
export function controllerUrl(address: string, path: string): URL {
  const url = new URL(address)
  url.search = ''
  url.hash = ''
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`
  url.username = ''
  url.password = ''
  return url
}

/**
 * The credential in the address, else the token of a file: beside a controller, in its container for instance, its own
 * token file does too. Throws an Error when it cannot be read.
 */
export async function credential(
  config: Pick<Config, 'cliTokenFile' | 'tokenFile'>,
  address: string,
): Promise<Record<string, string>> {
  const authorization = basicOf(new URL(address))
  if (authorization !== undefined) return { authorization }
  const token = config.cliTokenFile === undefined ? await strongestToken(config) : await read(config.cliTokenFile)
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

const read = async (path: string) => (await readFile(path, 'utf8')).trim()

async function strongestToken({ tokenFile }: Pick<Config, 'tokenFile'>): Promise<string | undefined> {
  if (tokenFile === undefined) return undefined
  const { tokens } = parseTokenFile(await read(tokenFile))
  const ofRole = (wanted: Role) => tokens.find(({ role }) => role === wanted)?.secret
  return ofRole('admin') ?? ofRole('scale') ?? ofRole('read')
}

/** The controller's own words about what went wrong. */
export function problemText({ status, text }: Answer): string {
  return visibleText(wordsOf(status, text).slice(0, MOST_SAID))
}

function wordsOf(status: number, text: string): string {
  try {
    const { detail, title, code } = JSON.parse(text)
    return `${code ?? status}: ${detail ?? title ?? text}`
  } catch {
    return `${status}: ${text}`
  }
}
