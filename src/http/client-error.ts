/** What cannot even become a request (half a header, far too many headers, too slow) is answered on the bare socket. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode, problem } from './problem.ts'

const CODES: Readonly<Record<string, { code: ProblemCode; detail: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'request-timeout', detail: 'The request did not arrive within 10 seconds.' },
  HPE_HEADER_OVERFLOW: { code: 'headers-too-large', detail: 'The headers are larger than 16 KiB.' },
}

/** For the answer to leave; whoever does not take it by then does not want it. */
const LEAVE_MS = 2000

export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  // Before a handshake nothing can be said: what is written then waits for ever, and the connection with it.
  const isHandshake = error.code?.startsWith('ERR_SSL') === true || error.code?.startsWith('ERR_TLS') === true
  if (error.code === 'ECONNRESET' || isHandshake || !socket.writable) {
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
  setTimeout(() => socket.destroy(), LEAVE_MS).unref()
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
