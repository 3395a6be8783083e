/** The bodies of the engine's answers: how much of one is taken, and what is in it. */
import type { IncomingMessage } from 'node:http'
import { EngineError } from './engine-errors.ts'
import { parseLossless, textAt } from './engine-json.ts'

const MAX_BODY_BYTES = 64 * 1024 * 1024

/** Parses an answer's body. Throws EngineError `malformed`. */
export function parseBody(body: Buffer, endpoint: string): unknown {
  try {
    return parseLossless(body.toString('utf8'))
  } catch (cause) {
    throw new EngineError('malformed', `${endpoint} answered with something that is no JSON, or half of it.`, { cause })
  }
}

export function readBody(answer: IncomingMessage): Promise<Buffer> {
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

export function letGo(answer: IncomingMessage): Buffer {
  answer.on('error', () => undefined)
  answer.resume()
  return Buffer.alloc(0)
}

export function messageIn(body: Buffer): string {
  try {
    return textAt(parseLossless(body.toString('utf8')), 'message') ?? ''
  } catch {
    // A proxy's page, not the engine's words: the status says enough, the start of the page may say more.
    return body.toString('utf8', 0, 200).trim()
  }
}
