/** A socket in front of an engine's own, that counts calls and can keep reads of services waiting. */
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'

export interface EngineProxy {
  readonly socketPath: string
  /** From here on, lists and inspects of services are kept waiting. */
  holdReads(): void
  release(): void
  /** So far, by endpoint, as `GET /containers/{id}/stats`; event streams when they begin. */
  calls(): ReadonlyMap<string, number>
  /** Calls that change something, as `POST /nodes/{id}/update` without ids and versions, in their order. */
  writes(): readonly string[]
  /** Called before a write is passed on, and after the engine has answered it, before the caller is. */
  onWrite(listener: (moment: 'asked' | 'answered', count: number) => void): void
  close(): Promise<void>
}

const SERVICE_READ = /^\/services(\/[^/?]+)?(\?|$)/

/** `/nodes/{id}/update`: without ids and query. */
const withoutIds = (path = '') => path.replace(/\?.*$/, '').replace(/\/[a-z0-9]{20,64}(?=\/|$)/g, '/{id}')

/** `socketPath`: of the proxy; a node sees none but what is below /tmp. */
export async function startEngineProxy(
  engine: { readonly socketPath: string },
  socketPath = `${engine.socketPath}.proxy`,
): Promise<EngineProxy> {
  let held: Promise<void> | undefined
  let release = () => {}
  const calls = new Map<string, number>()
  const writes: string[] = []
  let listener: (moment: 'asked' | 'answered', count: number) => void = () => {}
  const server = createServer(async (asked, answer) => {
    if (asked.method === 'GET' && SERVICE_READ.test(asked.url ?? '')) await held
    const { method, url: path, headers } = asked
    const isWrite = method !== 'GET' && method !== 'HEAD'
    const endpoint = `${method} ${withoutIds(path)}`
    calls.set(endpoint, (calls.get(endpoint) ?? 0) + 1)
    if (isWrite) {
      writes.push(endpoint)
      listener('asked', writes.length)
    }
    const passedOn = request({ socketPath: engine.socketPath, method, path, headers }, (answered) => {
      if (isWrite) listener('answered', writes.length)
      answer.writeHead(answered.statusCode ?? 502, answered.headers).flushHeaders()
      answered.pipe(answer)
    })
    passedOn.on('error', () => answer.destroy())
    answer.on('close', () => passedOn.destroy())
    asked.pipe(passedOn)
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return {
    socketPath,
    calls: () => new Map(calls),
    writes: () => writes,
    onWrite(next) {
      listener = next
    },
    holdReads() {
      held = new Promise((resolve) => {
        release = resolve
      })
    },
    release() {
      release()
      held = undefined
    },
    async close() {
      release()
      server.closeAllConnections()
      server.close()
      await rm(socketPath, { force: true })
    },
  }
}
