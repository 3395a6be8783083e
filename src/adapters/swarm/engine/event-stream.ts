/** The engine's event stream, followed for ever. Idle it is silent, and without quorum too: liveness is not judged here. */
import type { IncomingMessage } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import type { Logger } from '../../../foundation/logger.ts'
import { pauseFor } from '../../../foundation/wakeable-timer.ts'
import type { Engine } from './engine-connection.ts'
import { digitsAt, parseLossless, textAt } from './engine-json.ts'
import { backoff, type Timing } from './timing.ts'

export interface EngineEvent {
  readonly type: string
  /** `create`, `update`, `remove`. */
  readonly action: string
  readonly id: string
  readonly name: string
  /** Of an update: UpdatedAt of the version it announces, ns since the epoch as digits. */
  readonly timeNano: string
}

export interface EventStreamDeps {
  readonly engine: Engine
  readonly types: readonly string[]
  /** Absent: whatever happens to objects of these types. */
  readonly actions?: readonly string[]
  readonly logger: Logger
  readonly now: () => number
  readonly timing: Pick<Timing, 'streamTimeoutMs' | 'backoffMs'>
  readonly signal: AbortSignal
  readonly onEvent: (event: EngineEvent) => void
  /** A line that is no event: something may have been missed. */
  readonly onUnreadable: () => void
  readonly onConnected: () => void
  readonly onDisconnected: (reason: string) => void
}

/** A stream that ends sooner counts as a failure to connect. */
const SETTLED_MS = 1_000
/** Replayed on connect: the engine sends its headers a moment before it starts to listen for events. */
const OVERLAP_MS = 5_000
const MAX_LINE_CHARACTERS = 1024 * 1024

/** Returns when the signal is aborted; never throws. */
export async function followEvents(deps: EventStreamDeps): Promise<void> {
  const { timing, signal, logger } = deps
  for (let failures = 0; !signal.aborted; ) {
    const startedAt = performance.now()
    const reason = await followOnce(deps)
    if (signal.aborted) return
    failures = performance.now() - startedAt > SETTLED_MS ? 0 : failures + 1
    deps.onDisconnected(reason)
    const pauseMs = backoff(timing, Math.max(failures - 1, 0))
    logger.warn({ event: 'event-stream-lost', retryInMs: Math.round(pauseMs) }, reason)
    await pauseFor(pauseMs, signal)
  }
}

/** Follows one connection to its end; resolves with the reason why it ended. */
async function followOnce({ engine, types, actions, now, timing, signal, ...deps }: EventStreamDeps): Promise<string> {
  try {
    const stream = await engine.stream({
      method: 'GET',
      path: '/events',
      endpoint: '/events',
      query: {
        filters: JSON.stringify({ type: types, event: actions }),
        since: String(Math.floor((now() - OVERLAP_MS) / 1000)),
      },
      timeoutMs: timing.streamTimeoutMs,
      signal,
    })
    // An engine that lost power never closes its sockets: only the kernel's own probes find out.
    stream.socket.setKeepAlive(true, 15_000)
    deps.onConnected()
    for await (const line of lines(stream)) {
      const event = readEvent(line)
      if (event === undefined) deps.onUnreadable()
      else deps.onEvent(event)
    }
    return 'The engine ended the event stream.'
  } catch (error) {
    return error instanceof Error ? `The event stream broke off: ${error.message}` : 'The event stream broke off.'
  }
}

async function* lines(stream: IncomingMessage): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of stream) {
    const parts = (rest + decoder.write(chunk)).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > MAX_LINE_CHARACTERS) throw new Error('a line is too long to be an event')
    for (const line of parts) if (line.trim() !== '') yield line
  }
}

function readEvent(line: string): EngineEvent | undefined {
  try {
    const raw = parseLossless(line)
    const type = textAt(raw, 'Type')
    const action = textAt(raw, 'Action')
    const id = textAt(raw, 'Actor', 'ID')
    if (type === undefined || action === undefined || id === undefined) return undefined
    const name = textAt(raw, 'Actor', 'Attributes', 'name') ?? ''
    return { type, action, id, name, timeNano: digitsAt(raw, 'timeNano') ?? '' }
  } catch {
    // The caller reads everything again, so a line that cannot be read costs a list, not an event.
    return undefined
  }
}
