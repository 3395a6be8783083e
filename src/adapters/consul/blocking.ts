/** Consul's blocking queries: an answer comes when something has changed, or after a while. */
import { EventEmitter } from 'node:events'
import type { Ending } from '../../discovery/ports.ts'
import { listOf, textAt } from './fields.ts'

export const WAIT = '30s'
/** Consul adds up to a sixteenth to what it was told to wait. */
export const WAIT_TIMEOUT_MS = 40_000

/** The package says `true` for what it hands on whole: with the header that says what to wait for next. */
export function blockingAnswer(answer: unknown): { readonly index: string; readonly body: unknown } {
  const [response, body] = listOf(answer)
  // Not a field of its own: the answer's class has it.
  const headers = typeof response === 'object' && response !== null && 'headers' in response ? response.headers : {}
  return { index: textAt(headers, 'x-consul-index') || '0', body }
}

/** What the package calls a context: it ends a call when told to, and hands on the answer's headers. */
export function canceller(signal: Ending): EventEmitter {
  const ctx = Object.assign(new EventEmitter(), { includeResponse: true })
  const cancel = () => ctx.emit('cancel')
  signal.addEventListener('abort', cancel, { once: true })
  ctx.once('removeListener', () => signal.removeEventListener('abort', cancel))
  return ctx
}
