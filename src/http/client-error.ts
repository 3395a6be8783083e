/** What cannot even become a request (half a header, far too many headers, too slow) is answered on the bare socket. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEM_TYPE, PROBLEMS, type ProblemCode, problem } from './problem.ts'

const TOO_LATE = 'ERR_HTTP_REQUEST_TIMEOUT'
const CODES: Readonly<Record<string, { code: ProblemCode; detail: string }>> = {
  [TOO_LATE]: { code: 'request-timeout', detail: 'The request did not arrive within 10 seconds.' },
  HPE_HEADER_OVERFLOW: { code: 'headers-too-large', detail: 'The headers are larger than 16 KiB.' },
}

/** For the answer to leave; whoever does not take it by then does not want it. */
const LEAVE_MS = 2000

/** Of those that are too late: thousands may be so in the same moment, and whoever has just come is heard in between. */
const ANSWERED_A_TURN = 20

export type ClientError = Error & { readonly code?: string }

/** For one server, or several that share it. */
export function createClientErrors(): (error: ClientError, socket: Socket) => void {
  const late: [ClientError, Socket][] = []
  const takeTurn = () => {
    for (const [error, socket] of late.splice(0, ANSWERED_A_TURN)) answerClientError(error, socket)
    if (late.length > 0) setImmediate(takeTurn)
  }
  return (error, socket) => {
    if (error.code !== TOO_LATE) answerClientError(error, socket)
    else if (late.push([error, socket]) === 1) setImmediate(takeTurn)
  }
}

function answerClientError(error: ClientError, socket: Socket): void {
  // Before a handshake nothing can be said: what is written then waits for ever, and the connection with it.
  const isHandshake = error.code?.startsWith('ERR_SSL') === true || error.code?.startsWith('ERR_TLS') === true
  if (error.code === 'ECONNRESET' || isHandshake || !socket.writable) {
    socket.destroy()
    return
  }
  const { code, detail } = CODES[error.code ?? ''] ?? { code: 'malformed', detail: 'This is not valid HTTP.' }
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
