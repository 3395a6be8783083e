/** How often an engine is asked for what, counted on the way: on a socket in front of its own. */
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { withoutIds } from '../test/e2e/support/engine-proxy.ts'

export interface EngineCalls {
  readonly socketPath: string
  /** By endpoint, as `GET /containers/{id}/stats`; event streams when they begin. */
  soFar(): ReadonlyMap<string, number>
  close(): Promise<void>
}

/** `socketPath`: where the counting one is to be; a node of the lab sees none but what is below /tmp. */
export async function countEngineCalls(engine: string, socketPath: string): Promise<EngineCalls> {
  const calls = new Map<string, number>()
  const server = createServer((asked, answer) => {
    const { method, url: path, headers } = asked
    const endpoint = `${method} ${withoutIds(path)}`
    calls.set(endpoint, (calls.get(endpoint) ?? 0) + 1)
    const passedOn = request({ socketPath: engine, method, path, headers }, (answered) => {
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
    soFar: () => new Map(calls),
    async close() {
      server.closeAllConnections()
      server.close()
      await rm(socketPath, { force: true })
    },
  }
}
