/**
 * The one event stream of all tabs. Browsers open six connections to a host on HTTP/1.1: with a stream a tab, the seventh
 * tab would hang.
 */
import { followEvents, type StreamNews } from './stream.ts'

interface Hello {
  readonly url: string
  readonly headers: Record<string, string>
}

interface Shared {
  readonly ports: Set<MessagePort>
  readonly stop: () => void
  last: StreamNews | undefined
}

declare const self: { onconnect: ((event: MessageEvent) => void) | null }

/** By URL and credential: tabs that signed in differently do not see each other's events. */
const streams = new Map<string, Shared>()
/** A tab that is gone may say nothing; a hidden one is let to speak once a minute only. */
const DEAD_MS = 300_000

self.onconnect = ({ ports: [port] }) => {
  if (port === undefined) return
  let leave = () => {}
  let timer = setTimeout(() => leave(), DEAD_MS)
  port.onmessage = ({ data }: MessageEvent<Hello | 'alive' | 'bye'>) => {
    clearTimeout(timer)
    timer = setTimeout(() => leave(), DEAD_MS)
    if (data === 'alive') return
    leave()
    if (data !== 'bye') leave = join(port, data)
  }
  port.start()
}

function join(port: MessagePort, { url, headers }: Hello): () => void {
  const key = JSON.stringify([url, headers])
  const known = streams.get(key)
  if (known !== undefined) {
    known.ports.add(port)
    if (known.last !== undefined) port.postMessage(known.last)
  }
  const shared = known ?? open(key, port, { url, headers })
  return () => {
    shared.ports.delete(port)
    if (shared.ports.size > 0) return
    shared.stop()
    if (streams.get(key) === shared) streams.delete(key)
  }
}

function open(key: string, first: MessagePort, hello: Hello): Shared {
  const ports = new Set([first])
  const shared: Shared = {
    ports,
    last: undefined,
    stop: followEvents(hello, (news) => {
      if (news.kind === 'state') shared.last = news
      for (const port of ports) port.postMessage(news)
      if (news.kind === 'state' && news.state === 'refused' && streams.get(key) === shared) streams.delete(key)
    }),
  }
  streams.set(key, shared)
  return shared
}
