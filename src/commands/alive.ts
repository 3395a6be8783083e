/** `orrery alive`: the container's health check. Asks controller or agent whether the process is alive, nothing more. */
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { codeOf } from '../foundation/errors.ts'
import { hostPort } from '../foundation/host-port.ts'
import type { Console, ExitCode } from './console.ts'
import { askHealthSocket } from './health-socket.ts'

export async function alive(options: { readonly agent?: true }, { env }: Console): Promise<ExitCode> {
  const config = loadConfig(env)
  // Both are at the network of the host, so the one that answers by HTTP may be another container's.
  const health = await askHealthSocket(config.stateDir)
  if (health !== undefined || options.agent) return health === 'alive' ? 0 : 1
  return await controllerAlive(config)
}

async function controllerAlive({ listen, tlsCertFile, tlsCaFile }: Config): Promise<ExitCode> {
  // Loaded here: an agent is asked every few seconds, and this is the larger half.
  const { Agent, request } = await import('undici')
  const [{ host, port } = { host: undefined, port: 8000 }] = listen
  const address = host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  // Its own certificate names the controller's public name, not this address.
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  const scheme = tlsCertFile === undefined ? 'http' : 'https'
  try {
    const { statusCode, body } = await request(`${scheme}://${hostPort(address, port)}/healthz`, {
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
  codeOf(error) === 'ECONNREFUSED' || codeOf(error) === 'UND_ERR_HEADERS_TIMEOUT'
