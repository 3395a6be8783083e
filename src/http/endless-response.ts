/** An answer that goes on until somebody ends it: flushed at once, kept alive, and cut off when its reader is too slow. */
import { setMaxListeners } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface EndlessResponseDeps {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly contentType: string
  /** Ends the response when aborted. */
  readonly signal: AbortSignal
  /** Sent when nothing else was for that long, so that proxies and dead peers are noticed. */
  readonly heartbeat: { readonly text: string; readonly everyMs: number }
  /** Called once with a function that sends; returns what to call at the end. */
  readonly subscribe: (send: (text: string) => void) => () => void
}

/** What may wait for a slow reader before it is cut off. */
const MAX_WAITING_BYTES = 256 * 1024
/** Each event is written to each of them. Beyond that whoever has listened longest is cut off, and comes again if it is meant well. */
const MOST_STREAMS = 256

/** Of this process, the longest open first. */
const open = new Set<ServerResponse>()

export function sendEndlessly({
  request,
  reply,
  contentType,
  signal,
  heartbeat,
  subscribe,
}: EndlessResponseDeps): void {
  const { raw } = reply
  reply.hijack()
  // The server's inactivity timeout is for answers that end; here the heartbeat finds dead peers.
  raw.setTimeout(0)
  raw.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  raw.flushHeaders()
  open.add(raw)
  const [longest] = open
  if (open.size > MOST_STREAMS) longest?.destroy()

  const send = (text: string) => {
    if (raw.writableEnded || raw.destroyed) return
    raw.write(text)
    if (raw.writableLength <= MAX_WAITING_BYTES) return
    request.log.info(
      { event: 'slow-reader', reqId: request.id, waitingBytes: raw.writableLength },
      'an event stream is cut off: its reader is too slow',
    )
    raw.destroy()
  }
  const end = () => raw.end()
  const timer = setInterval(() => send(heartbeat.text), heartbeat.everyMs)
  const unsubscribe = subscribe(send)
  // Many wait for the one signal, and are meant to.
  setMaxListeners(0, signal)
  signal.addEventListener('abort', end, { once: true })
  raw.once('close', () => {
    open.delete(raw)
    clearInterval(timer)
    unsubscribe()
    signal.removeEventListener('abort', end)
  })
  if (signal.aborted) end()
}
