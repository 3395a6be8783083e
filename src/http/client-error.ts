/** What can not even become a request (half a header, far too many headers, too slow) is answered on the bare socket. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode, problem } from './problem.ts'

const CODES: Readonly<Record<string, { code: ProblemCode; detail: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'request-timeout', detail: 'The request did not arrive within 10 seconds.' },
  HPE_HEADER_OVERFLOW: { code: 'headers-too-large', detail: 'The headers are larger than 16 KiB.' },
}

export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { code, detail } = CODES[error.code ?? ''] ?? { code: 'malformed', detail: 'This is not HTTP as it should be.' }
  const { status } = PROBLEMS[code]
  const body = JSON.stringify(problem(code, detail))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
