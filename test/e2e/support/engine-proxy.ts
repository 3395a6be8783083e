/** A socket in front of an engine's own, that can keep reads of services waiting: who waits for one is found out. */
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'

export interface EngineProxy {
  readonly socketPath: string
  /** From here on, lists and inspects of services are kept waiting. */
  holdReads(): void
  release(): void
  close(): Promise<void>
}

const SERVICE_READ = /^\/services(\/[^/?]+)?(\?|$)/

export async function startEngineProxy(engine: { readonly socketPath: string }): Promise<EngineProxy> {
  const socketPath = `${engine.socketPath}.proxy`
  let held: Promise<void> | undefined
  let release = () => {}
  const server = createServer(async (asked, answer) => {
    if (asked.method === 'GET' && SERVICE_READ.test(asked.url ?? '')) await held
    const { method, url: path, headers } = asked
    const passedOn = request({ socketPath: engine.socketPath, method, path, headers }, (answered) => {
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
