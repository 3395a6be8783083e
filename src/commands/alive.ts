/** `orrery alive`: the container's health check. Asks the controller beside it whether the process is alive, nothing more. */
import { Agent, request } from 'undici'
import { loadConfig } from '../config/load.ts'
import type { Console, ExitCode } from './console.ts'

export async function alive({ env }: Console): Promise<ExitCode> {
  const { listen, tlsCertFile, tlsCaFile } = loadConfig(env)
  const [{ host, port } = { host: undefined, port: 8000 }] = listen
  const address = host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  // Its own certificate names the controller's public name, not this address.
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  const name = address.includes(':') ? `[${address}]` : address
  const scheme = tlsCertFile === undefined ? 'http' : 'https'
  try {
    const { statusCode, body } = await request(`${scheme}://${name}:${port}/healthz`, {
      dispatcher,
      headersTimeout: 2500,
    })
    await body.dump()
    return statusCode === 200 ? 0 : 1
  } catch (error) {
    // One that asks every client for a certificate refuses this one, and by that shows that it is alive.
    if (tlsCaFile !== undefined && !isUnreachable(error)) return 0
    throw error
  }
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ECONNREFUSED' || error.code === 'UND_ERR_HEADERS_TIMEOUT')
