/**
 * Bodies on their way in. All that have not arrived yet share one budget of bytes: beyond it the one that has been coming
 * longest is given up, since a body that is meant well comes at once.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { RequestPayload } from 'fastify'
import { HttpProblem } from '../problem.ts'

export interface Arriving {
  readonly payload: RequestPayload
  readonly headers: IncomingHttpHeaders
  readonly limitBytes: number
  readonly onChunk?: (chunk: Buffer) => void
}

/** Throws HttpProblem `body-too-large`, `malformed`, or `request-timeout` for a body that was given up. */
export type ReadBody = (arriving: Arriving) => Promise<Buffer>

const BUDGET_BYTES = 16 * 1024 * 1024

export function createReadBody(budgetBytes = BUDGET_BYTES): ReadBody {
  /** The longest on its way first. */
  const arriving = new Set<{ bytes: number; giveUp: () => void }>()
  let total = 0

  return ({ payload, headers, limitBytes, onChunk }) => {
    const announced = Number(headers['content-length'] ?? 0)
    if (announced > limitBytes) return Promise.reject(tooLarge(limitBytes))
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      const one = { bytes: 0, giveUp: () => end(() => reject(givenUp)) }
      arriving.add(one)
      const end = (then: () => void) => {
        if (!arriving.delete(one)) return
        total -= one.bytes
        then()
        chunks.length = 0
      }
      // Not an iteration: leaving one early would cut the connection, and the answer with it. What comes later is let pass.
      payload.on('data', (chunk: Buffer) => {
        if (!arriving.has(one)) return
        one.bytes += chunk.length
        total += chunk.length
        if (one.bytes > limitBytes) return end(() => reject(tooLarge(limitBytes)))
        chunks.push(chunk)
        onChunk?.(chunk)
        for (const oldest of arriving) {
          if (total <= budgetBytes) return
          oldest.giveUp()
        }
      })
      payload.on('end', () => end(() => resolve(Buffer.concat(chunks))))
      const early = () => end(() => reject(new HttpProblem('malformed', 'The body ended early.')))
      payload.on('error', early)
      payload.on('close', early)
    })
  }
}

const tooLarge = (limitBytes: number): HttpProblem =>
  new HttpProblem('body-too-large', `The body is larger than 1 MiB (${limitBytes} bytes).`)

const givenUp = new HttpProblem(
  'request-timeout',
  'Too many bodies are on their way, and this one was the longest: send it again.',
  { headers: { connection: 'close' }, retryAfterMs: 1000 },
)
