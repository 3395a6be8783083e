/**
 * Which request is answered when. A connection is owed one answer at a time, and connections with more to ask take turns
 * with everybody else: who asks for much waits for itself. What may wait, and what may lie unread, has one budget for all.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface TurnLimits {
  /** Requests of one connection that wait behind its first. */
  readonly heldPerSocket: number
  /** Bytes of all requests that wait, with what Node keeps of each. */
  readonly heldBytes: number
  /** Bytes of all answers that were made and not taken. */
  readonly owedBytes: number
}

const MiB = 1024 * 1024
const TURN_LIMITS: TurnLimits = { heldPerSocket: 64, heldBytes: 48 * MiB, owedBytes: 48 * MiB }

/** What Node keeps of a request and its answer besides the headers. */
const REQUEST_BYTES = 4096
/** How often what is owed is counted while there is much to do. */
const COUNT_EVERY_MS = 10

interface Held {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly bytes: number
}

interface Line {
  readonly socket: Socket
  readonly held: Held[]
  isAnswering: boolean
}

export function inTurns(answer: RequestListener, limits: TurnLimits = TURN_LIMITS): RequestListener {
  const lines = new WeakMap<Socket, Line>()
  /** Those that are owed an answer, the longest first. */
  const owed = new Set<Line>()
  const ready: Line[] = []
  let heldBytes = 0
  let countedAtMs = 0

  const drop = (line: Line) => {
    owed.delete(line)
    for (const { bytes } of line.held.splice(0)) heldBytes -= bytes
  }

  const lineOf = (socket: Socket): Line => {
    const known = lines.get(socket)
    if (known !== undefined) return known
    const line: Line = { socket, held: [], isAnswering: false }
    lines.set(socket, line)
    socket.once('close', () => drop(line))
    return line
  }

  /** Who has left its answers lying longest is cut off first. */
  const cutOffUnread = () => {
    const nowMs = performance.now()
    if (nowMs - countedAtMs < COUNT_EVERY_MS) return
    countedAtMs = nowMs
    let bytes = 0
    for (const { socket } of owed) bytes += socket.writableLength
    for (const line of owed) {
      if (bytes <= limits.owedBytes) return
      const { writableLength } = line.socket
      if (writableLength === 0) continue
      bytes -= writableLength
      line.socket.destroy()
    }
  }

  const begin = (line: Line, request: IncomingMessage, response: ServerResponse) => {
    line.isAnswering = true
    owed.add(line)
    response.once('close', () => {
      line.isAnswering = false
      owed.delete(line)
      if (line.held.length === 0) return
      if (ready.push(line) === 1) setImmediate(takeTurn)
    })
    cutOffUnread()
    answer(request, response)
  }

  /** One a turn of the loop, so that whoever has just come is heard in between. */
  const takeTurn = () => {
    const line = ready.shift()
    const next = line?.held.shift()
    if (line !== undefined && next !== undefined) {
      heldBytes -= next.bytes
      if (!line.socket.destroyed) begin(line, next.request, next.response)
    }
    if (ready.length > 0) setImmediate(takeTurn)
  }

  return (request, response) => {
    const line = lineOf(request.socket)
    if (!line.isAnswering && line.held.length === 0) return begin(line, request, response)
    const bytes = REQUEST_BYTES + bytesOf(request)
    line.held.push({ request, response, bytes })
    heldBytes += bytes
    if (line.held.length <= limits.heldPerSocket && heldBytes <= limits.heldBytes) return
    drop(line)
    line.socket.destroy()
    haltParser(line.socket)
  }
}

/**
 * Node reads all requests of a chunk at one go, 700 of them if they are short, also of a socket that is destroyed, and no pause
 * stops it there. What it asks for each request is whether an upgrade begins: after a yes it reads no further. Where it does
 * not ask so, it only takes longer.
 */
function haltParser(socket: Socket): void {
  const parser: unknown = Reflect.get(socket, 'parser')
  if (typeof parser !== 'object' || parser === null || typeof Reflect.get(parser, 'onIncoming') !== 'function') return
  Reflect.set(parser, 'onIncoming', () => UPGRADES)
}
/** As llhttp has it. */
const UPGRADES = 2

const bytesOf = ({ url = '', rawHeaders }: IncomingMessage): number =>
  rawHeaders.reduce((bytes, text) => bytes + text.length, url.length)
