/**
 * One engine, connected to with dockerode. Its modem is dialled directly: bodies are read here, since it would parse them with
 * JSON.parse and round integers; request bodies go as raw bytes, since it would put a plain object, env values and all, into
 * the URL.
 */
import { setMaxListeners } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { createDial } from './dial.ts'
import { type EngineOptions, engineAddress } from './engine-address.ts'
import { connectionError, EngineError, isReset, malformed, statusSentence } from './engine-errors.ts'
import { parseLossless, textAt } from './engine-json.ts'
import { createSplitter } from './json-splitter.ts'

export interface EngineCall {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  /** The path without ids, for metrics and messages: `/services/{id}`. */
  readonly endpoint: string
  readonly query?: Readonly<Record<string, string>>
  /** JSON text. */
  readonly body?: string
  /** The status alone is the answer: the body is let go. */
  readonly statusOnly?: boolean
  /**
   * Covers everything up to the last byte of the answer; of a stream, and where the status is enough: up to its headers; of a
   * list: each wait for more of it.
   */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface EngineAnswer {
  readonly body: Buffer
  /** The engine's clock (header `Date`, whole seconds), ms since the epoch. */
  readonly engineTimeMs: number | undefined
}

/** Told after every call: for metrics, and for counting calls in tests. */
export interface CallRecord {
  readonly method: string
  readonly endpoint: string
  /** HTTP status, or `error` where none came. */
  readonly outcome: number | 'error'
  readonly tookMs: number
}

export interface Engine {
  /** For messages to people. */
  readonly address: string
  /** Resolves on 2xx. Throws EngineError for everything else. A read whose connection was reset is tried once more. */
  call(call: EngineCall): Promise<EngineAnswer>
  /** As `call`, and parses the body without loss; a body that is not JSON throws EngineError `malformed`. */
  read(call: EngineCall): Promise<unknown>
  /** Takes a JSON array of any length apart while it comes. Throws as `read`, and `malformed` for what `take` throws. */
  list(call: EngineCall, take: (item: Buffer) => void): Promise<void>
  /** Resolves with the body as a stream when the headers are there. Throws as `call`. */
  stream(call: EngineCall): Promise<IncomingMessage>
  /** Ends every connection. */
  close(): void
}

const MAX_BODY_BYTES = 64 * 1024 * 1024

/** Throws Error for options that cannot be right; connects to nothing yet. */
export function connectEngine(options: EngineOptions, onCall: (record: CallRecord) => void = () => {}): Engine {
  const { docker, agent, shown } = engineAddress(options)
  const dial = createDial(docker)
  const open = new AbortController()
  // Each call under way listens: many at once are no leak.
  setMaxListeners(0, open.signal)

  const attempt = async <T>(
    call: EngineCall,
    take: (answer: IncomingMessage, onProgress: () => void) => Promise<T>,
  ): Promise<T> => {
    const endpoint = `${call.method} ${call.endpoint}`
    const deadline = timeLimit(call.timeoutMs, [open.signal, call.signal])
    const startedAt = performance.now()
    let outcome: CallRecord['outcome'] = 'error'
    try {
      if (deadline.isOver()) throw new EngineError('unsent', `${endpoint} was cancelled before it was sent.`)
      const answer = await dial({ ...call, begun: deadline.holdsFor })
      const status = answer.statusCode ?? 0
      outcome = status
      if (status >= 200 && status < 300) return await take(answer, deadline.extend)
      const detail = messageIn(await readBody(answer))
      throw new EngineError('status', statusSentence(endpoint, shown, status, detail), { status, detail })
    } catch (cause) {
      if (cause instanceof EngineError) throw cause
      if (deadline.expired()) {
        const message = `${endpoint} at ${shown} was not answered within ${call.timeoutMs} ms.`
        throw new EngineError('unanswered', message, { detail: 'ETIMEDOUT', cause })
      }
      if (deadline.isOver()) throw new EngineError('unanswered', `${endpoint} was cancelled.`, { cause })
      throw connectionError(endpoint, shown, cause)
    } finally {
      deadline.clear()
      onCall({ method: call.method, endpoint: call.endpoint, outcome, tookMs: performance.now() - startedAt })
    }
  }

  const twice: typeof attempt = async (wanted, take) => {
    try {
      return await attempt(wanted, take)
    } catch (error) {
      if (wanted.method === 'GET' && isReset(error)) return await attempt(wanted, take)
      throw error
    }
  }

  const call = (wanted: EngineCall): Promise<EngineAnswer> =>
    twice(wanted, async (answer) => ({
      body: wanted.statusOnly ? letGo(answer) : await readBody(answer),
      engineTimeMs: dateOf(answer.headers.date),
    }))

  return {
    address: shown,
    call,
    read: async (wanted) => parseBody((await call(wanted)).body, `${wanted.method} ${wanted.endpoint}`),
    list: (wanted, take) =>
      attempt(wanted, async (answer, onProgress) => {
        const splitter = createSplitter(take)
        const orMalformed = (step: () => void) => {
          try {
            step()
          } catch (cause) {
            throw malformed(`${wanted.method} ${wanted.endpoint}`, cause)
          }
        }
        for await (const chunk of answer) {
          onProgress()
          orMalformed(() => splitter.push(chunk))
        }
        orMalformed(splitter.end)
      }),
    stream: (wanted) =>
      attempt(wanted, async (answer) => {
        // The time limit is for the headers; from here on the caller's signal alone ends the stream.
        const end = () => answer.destroy()
        for (const signal of [open.signal, wanted.signal]) signal?.addEventListener('abort', end, { once: true })
        answer.once('close', () => {
          for (const signal of [open.signal, wanted.signal]) signal?.removeEventListener('abort', end)
        })
        return answer
      }),
    close: () => {
      open.abort()
      agent.destroy()
    },
  }
}

function dateOf(header: string | undefined): number | undefined {
  const time = header === undefined ? Number.NaN : Date.parse(header)
  return Number.isNaN(time) ? undefined : time
}

/** Parses an answer's body. Throws EngineError `malformed`. */
export function parseBody(body: Buffer, endpoint: string): unknown {
  try {
    return parseLossless(body.toString('utf8'))
  } catch (cause) {
    throw malformed(endpoint, cause)
  }
}

function readBody(answer: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes <= MAX_BODY_BYTES) return
      answer.destroy()
      reject(new EngineError('malformed', `An answer was longer than ${MAX_BODY_BYTES} bytes.`))
    })
    answer.once('end', () => {
      if (answer.complete) resolve(Buffer.concat(chunks))
    })
    answer.once('error', reject)
    answer.once('close', () => reject(new Error('the answer ended early')))
  })
}

function letGo(answer: IncomingMessage): Buffer {
  answer.on('error', () => undefined)
  answer.resume()
  return Buffer.alloc(0)
}

function messageIn(body: Buffer): string {
  try {
    return textAt(parseLossless(body.toString('utf8')), 'message') ?? ''
  } catch {
    // A proxy's page, not the engine's words: the status says enough, the start of the page may say more.
    return body.toString('utf8', 0, 200).trim()
  }
}

/** What ends when a signal aborts: one listener for all calls, since to add one for each and take it away costs each some time. */
const endings = new WeakMap<AbortSignal, Set<() => void>>()

function endingsOf(signal: AbortSignal): Set<() => void> {
  const known = endings.get(signal)
  if (known !== undefined) return known
  const ends = new Set<() => void>()
  const endAll = () => {
    for (const end of ends) end()
  }
  signal.addEventListener('abort', endAll, { once: true })
  endings.set(signal, ends)
  return ends
}

/** Ends one call when its time is over or a signal says so. */
function timeLimit(timeoutMs: number, outer: readonly (AbortSignal | undefined)[]) {
  const signals = outer.filter((signal) => signal !== undefined)
  let request: ClientRequest | undefined
  let isExpired = false
  let isOver = signals.some(({ aborted }) => aborted)
  const end = () => {
    isOver = true
    request?.destroy(new Error('cancelled'))
  }
  const timer = setTimeout(() => {
    isExpired = true
    end()
  }, timeoutMs)
  for (const signal of signals) endingsOf(signal).add(end)
  return {
    isOver: () => isOver,
    expired: () => isExpired,
    holdsFor: (begun: ClientRequest) => {
      request = begun
      if (isOver) end()
    },
    /** The time begins anew. */
    extend: () => {
      timer.refresh()
    },
    clear: () => {
      clearTimeout(timer)
      for (const signal of signals) endingsOf(signal).delete(end)
    },
  }
}
