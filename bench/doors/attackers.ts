/** Callers that mean no good, in a process of their own, started with `fork`: they hold connections, and ask much without reading. */
import { connect, type Socket } from 'node:net'

export interface AttackOrder {
  readonly port: number
  /** Opened, and never a word. */
  readonly idle: number
  /** A byte of a request each second. */
  readonly slow: number
  /** Ask for something long, and never read it. */
  readonly unread: number
  /** On each of so many sockets, so many requests at once, never read; for each path in turn. */
  readonly pipelined: { readonly sockets: number; readonly requests: number; readonly paths: readonly string[] }
  /** How long each path is asked for. */
  readonly eachMs: number
  readonly headers: string
}

const REQUEST = 'POST /v1/autoscaler/web/up HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function attack(order: AttackOrder): Promise<void> {
  const open = (): Socket => {
    const socket = connect(order.port, '127.0.0.1')
    socket.on('error', () => undefined)
    return socket
  }
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${order.headers}\r\n`
  /** Not all in one moment: what is tried is the server, and not the kernel's queue of connections. */
  const many = async (count: number, work: (socket: Socket) => void): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      work(open())
      if (index % 50 === 49) await pause(10)
    }
  }
  const tell = (phase: string) => process.send?.(phase)
  await many(order.idle, () => undefined)
  tell('slow connections open')
  await many(order.slow, (socket) => {
    let sent = 0
    const timer = setInterval(() => {
      if (socket.destroyed) return clearInterval(timer)
      socket.write(REQUEST[sent] ?? 'x')
      sent += 1
    }, 1000)
  })
  tell('unread connections open')
  await many(order.unread, (socket) => socket.pause().write(get('/openapi.json').repeat(20)))
  for (const path of order.pipelined.paths) {
    tell(`${path} pipelined`)
    const sockets: Socket[] = []
    await many(order.pipelined.sockets, (socket) => {
      sockets.push(socket)
      socket.pause().write(get(path).repeat(order.pipelined.requests))
    })
    await pause(order.eachMs)
    for (const socket of sockets) socket.destroy()
  }
  process.disconnect()
}

process.once('message', (order: AttackOrder) => void attack(order))
process.on('disconnect', () => process.exit())
