/** An engine spoken to without any client library: HTTP on its socket, on connections that are kept. */
import { Pool } from 'undici'

export interface RawEngine {
  /** The answer's body as text. Throws for every status but 2xx. */
  call(method: 'GET' | 'POST', path: string, body?: string): Promise<string>
  close(): Promise<void>
}

export function connectRawEngine(socketPath: string, connections = 1): RawEngine {
  const pool = new Pool('http://engine', { socketPath, connections, pipelining: 1 })
  return {
    async call(method, path, body) {
      const answer = await pool.request({
        method,
        path,
        ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
      })
      const text = await answer.body.text()
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
      return text
    },
    close: () => pool.close(),
  }
}
