/**
 * A fake Docker engine on a socket, to inject faults that a real one shows only by luck. How a real engine behaves is the
 * business of the end-to-end tests; this one imitates just enough of it: versions, PreviousSpec, the event stream.
 *
 *   const engine = await startFakeEngine()                  // or startFakeEngine({ listen: 'tcp' })
 *   engine.host                                             // for DOCKER_HOST: unix:///tmp/…/engine.sock or tcp://127.0.0.1:…
 *   const id = engine.addService({ name: 'web', replicas: 3, labels: { … }, spec: { … } })
 *   engine.changeService(id, (spec) => ({ ...spec, … }))    // somebody else's update; with an event, as every change here
 *   engine.setUpdateStatus(id, 'paused'); engine.removeService(id); engine.service(id); engine.replicas(id)
 *   engine.addNode({ hostname: 'w1' }); engine.putTask({ … }); engine.putNetwork({ Name: … })
 *   engine.config('orrery-state')                           // labels of a config, undefined if there is none
 *   engine.inject('POST /services/{id}/update', { status: 503, message: 'away' }, 2)   // the next 2 such calls; default 1
 *   engine.role = 'worker'                                  // what every endpoint says: manager, worker, no-leader, hung
 *   engine.cutEvents(); engine.muteEvents(true)             // end the streams; or keep them open and silent
 *   engine.count('GET /services'); engine.calls; engine.forgetCalls()
 *   await engine.close()
 *
 * Endpoints are named with `{id}` for the variable part. Bodies are parsed and written without loss of digits.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'lossless-json'
import { createEngineState } from './engine-state.ts'
import { answer, type Reply, routeOf } from './routes.ts'

/** What goes wrong with one call. Fields can be combined: `{ delayMs, status }`. */
export interface Fault {
  /** Waits before anything else. */
  readonly delayMs?: number
  /** Runs before the call is handled: another writer, a removal. */
  readonly before?: () => void
  /** Answers this instead of handling the call. */
  readonly status?: number
  readonly message?: string
  /** Answers this body, as it is, with `status` or 200. */
  readonly body?: string
  /** Never answers. `after`: handles the call first, so that a write takes effect. */
  readonly hang?: 'before' | 'after'
  /** Resets the connection. */
  readonly reset?: 'before' | 'after'
  /** Sends half of the answer: `json` as a whole answer, `connection` and then resets. */
  readonly truncate?: 'json' | 'connection'
}

export interface RecordedCall {
  /** `GET /services/{id}`. */
  readonly endpoint: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export type Role = 'manager' | 'worker' | 'no-leader' | 'hung'

export type FakeEngine = Awaited<ReturnType<typeof startFakeEngine>>

const ROLE_REPLIES: Readonly<Record<'worker' | 'no-leader', Reply>> = {
  worker: {
    status: 503,
    body: {
      message:
        "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this command on a manager node or promote the current node to a manager.",
    },
  },
  'no-leader': {
    status: 500,
    body: {
      message:
        "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online. Make sure more than half of the managers are online.",
    },
  },
}

export async function startFakeEngine({ listen = 'unix' }: { listen?: 'unix' | 'tcp' } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'fake-engine-'))
  const streams = new Set<http.ServerResponse>()
  const faults = new Map<string, Fault[]>()
  const calls: RecordedCall[] = []
  let isMuted = false
  const send = (text: string) => {
    for (const stream of streams) stream.write(text)
  }
  const state = createEngineState((event) => {
    if (!isMuted) send(`${stringify(event)}\n`)
  })

  const server = http.createServer((request, response) => {
    void handle(request, response).catch(() => response.destroy())
  })

  const handle = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://engine')
    const route = routeOf(request.method ?? 'GET', url.pathname)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const query = Object.fromEntries(url.searchParams)
    calls.push({ endpoint: route.endpoint, path: url.pathname, query, headers: request.headers, body })
    response.setHeader('Date', new Date(Date.now() + engine.clockAheadMs).toUTCString())
    const fault = faults.get(route.endpoint)?.shift()
    await new Promise((resolve) => setTimeout(resolve, fault?.delayMs ?? 0))
    fault?.before?.()
    if (fault?.hang === 'before' || engine.role === 'hung') return
    if (fault?.reset === 'before') return request.socket.resetAndDestroy()
    if (fault?.body !== undefined) return respond(response, { status: fault.status ?? 200, text: fault.body })
    if (fault?.status !== undefined) {
      return respond(response, { status: fault.status, text: JSON.stringify({ message: fault.message ?? 'injected' }) })
    }
    if (route.endpoint === 'GET /events') {
      response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders()
      streams.add(response)
      response.once('close', () => streams.delete(response))
      return
    }
    const reply = replyTo({ route, query, body })
    if (fault?.hang === 'after') return
    if (fault?.reset === 'after') return request.socket.resetAndDestroy()
    const text = stringify(reply.body) ?? ''
    if (fault?.truncate === undefined) return respond(response, { status: reply.status, text })
    const half = text.slice(0, Math.ceil(text.length / 2))
    if (fault.truncate === 'json') return respond(response, { status: reply.status, text: half })
    response.writeHead(reply.status, { 'Content-Length': Buffer.byteLength(text) }).write(half)
    setTimeout(() => request.socket.destroy(), 20)
  }

  const replyTo = (call: { route: ReturnType<typeof routeOf>; query: Record<string, string>; body: string }): Reply => {
    if (engine.role === 'worker' || engine.role === 'no-leader') return ROLE_REPLIES[engine.role]
    return answer(state, { ...call, parsed: call.body === '' ? undefined : parse(call.body) })
  }

  let connections = 0
  server.on('connection', () => {
    connections += 1
  })

  const socket = join(folder, 'engine.sock')
  await new Promise<void>((resolve) => {
    if (listen === 'unix') server.listen(socket, resolve)
    else server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0

  const engine = {
    ...state,
    host: listen === 'unix' ? `unix://${socket}` : `tcp://127.0.0.1:${port}`,
    role: 'manager' as Role,
    /** Added to the Date header. */
    clockAheadMs: 0,
    calls,
    count: (endpoint: string) => calls.filter((call) => call.endpoint === endpoint).length,
    forgetCalls: () => {
      calls.length = 0
    },
    inject(endpoint: string, fault: Fault, times = 1) {
      faults.set(endpoint, [...(faults.get(endpoint) ?? []), ...Array.from({ length: times }, () => fault)])
    },
    networks: () => [...state.networks.values()],
    cutEvents() {
      for (const stream of streams) stream.destroy()
    },
    muteEvents(muted: boolean) {
      isMuted = muted
    },
    /** Writes into the open streams as it is. */
    sendRaw: send,
    openStreams: () => streams.size,
    /** Sockets accepted so far. */
    connections: () => connections,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await rm(folder, { recursive: true, force: true })
    },
  }
  return engine
}

function respond(response: http.ServerResponse, { status, text }: { status: number; text: string }): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(status === 204 ? undefined : text)
}
