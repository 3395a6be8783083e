/** Consul's blocking queries: an answer comes when something has changed, or after a while. */
import { EventEmitter } from 'node:events'
import type { Ending } from '../../discovery/ports.ts'
import { listOf, textAt } from './fields.ts'

const WAIT = '30s'
/** Consul adds up to a sixteenth to what it was told to wait. */
export const WAIT_TIMEOUT_MS = 40_000

interface Waiting {
  readonly index?: string
  readonly wait?: string
  readonly ctx: EventEmitter
}

/** `index`: what it is waited for to change from; absent: the answer comes at once. `ask` sends what it is given along. */
export async function waitForChange(
  index: string | undefined,
  signal: Ending,
  ask: (waiting: Waiting) => Promise<unknown>,
): Promise<{ readonly index: string; readonly body: unknown }> {
  const ctx = canceller(signal)
  const wait = index === undefined ? {} : { index, wait: WAIT }
  const answer = await ask({ ...wait, ctx }).finally(() => ctx.removeAllListeners())
  // With `includeResponse` the package hands both on: a header says what to wait for next.
  const [response, body] = listOf(answer)
  // Not a field of its own: the answer's class has it.
  const headers = typeof response === 'object' && response !== null && 'headers' in response ? response.headers : {}
  return { index: textAt(headers, 'x-consul-index') || '0', body }
}

/** What the package calls a context: it ends a call when told to, and hands on the answer's headers. */
function canceller(signal: Ending): EventEmitter {
  const ctx = Object.assign(new EventEmitter(), { includeResponse: true })
  const cancel = () => ctx.emit('cancel')
  signal.addEventListener('abort', cancel, { once: true })
  ctx.once('removeListener', () => signal.removeEventListener('abort', cancel))
  return ctx
}
