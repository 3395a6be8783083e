/** Answers of sources: read to a limit, and what it means when there is none. Nothing of an answer is shown. */
import { type Measurement, missing } from '../../autoscaling/load/measurement.ts'
import { codeOf } from '../../foundation/errors.ts'
import { readLimited, TooLarge } from '../../foundation/limited-text.ts'

const MOST_BYTES = 1024 * 1024

/** Nobody knows where it is: the message says who was asked. */
export class NotFound extends Error {}

/** Throws TooLarge beyond 1 MiB. */
export const readAnswer = async (body: AsyncIterable<Uint8Array>): Promise<string> =>
  await readLimited(body, MOST_BYTES)

/** `who`: for the sentence. */
export function failedMeasurement(error: unknown, who: string): Measurement {
  if (error instanceof TooLarge) return missing('error', `${who} answers with more than 1 MiB`)
  if (error instanceof NotFound) return missing('error', `${who} is not found: ${error.message}`)
  const code = codeOf(error)
  const isTimeout = error instanceof Error && error.name === 'TimeoutError'
  if (isTimeout || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT') {
    return missing('slow', `${who} does not answer within 5 s`)
  }
  return missing('error', `${who} cannot be asked${code === undefined ? '' : ` (${code})`}`)
}
