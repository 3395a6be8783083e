/** The connection to Consul, which several capabilities share, and what is found there. */
import { readFileSync } from 'node:fs'
import { createConsulAgent } from '../../adapters/consul/agent.ts'
import type { ConsulClient } from '../../adapters/consul/consul-client.ts'
import type { Config } from '../../config/schema.ts'
import type { ConsulAgent } from '../../discovery/ports.ts'
import { messageOf } from '../../foundation/errors.ts'
import { hostPort } from '../../foundation/host-port.ts'

export interface Consul {
  readonly client: ConsulClient
  readonly agent: ConsulAgent
}

/** A Prometheus that was found is asked for this long. */
const FOUND_FOR_MS = 10_000

/** `undefined`: none is configured. Throws Error for files that cannot be read. */
export async function openConsul(config: Config): Promise<Consul | undefined> {
  const { consulAddress: address, consulTokenFile, consulDatacenter: datacenter } = config
  if (address === undefined) return undefined
  const [ca, cert, key] = [
    pem('CONSUL_CACERT', config.consulCaFile),
    pem('CONSUL_CLIENT_CERT', config.consulCertFile),
    pem('CONSUL_CLIENT_KEY', config.consulKeyFile),
  ]
  pem('CONSUL_HTTP_TOKEN_FILE', consulTokenFile)
  // It takes 10 MB: only who has a Consul loads it.
  const { connectConsul } = await import('../../adapters/consul/consul-client.ts')
  const client = connectConsul({
    address,
    tls: { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) },
    ...(datacenter !== undefined && { datacenter }),
    ...(consulTokenFile !== undefined && { token: () => readFileSync(consulTokenFile, 'utf8').trim() }),
  })
  return { client, agent: createConsulAgent(client) }
}

function pem(variable: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`${variable}=${path}: cannot be read: ${messageOf(error)}`)
  }
}

/** Where Prometheus is just now; `undefined`: nobody named one. What it returns rejects while there is none. */
export function findPrometheus(
  { prometheusUrl, consulPrometheus }: Pick<Config, 'prometheusUrl' | 'consulPrometheus'>,
  agent: Pick<ConsulAgent, 'passing'> | undefined,
): (() => Promise<string>) | undefined {
  if (prometheusUrl !== undefined) return async () => prometheusUrl
  if (consulPrometheus === undefined || agent === undefined) return undefined
  let found: { readonly url: string; readonly at: number } | undefined
  return async () => {
    if (found !== undefined && performance.now() - found.at < FOUND_FOR_MS) return found.url
    const [first] = await agent.passing(consulPrometheus)
    if (first === undefined) throw new Error(`no instance of ${consulPrometheus} passes in Consul`)
    found = { url: `http://${hostPort(first.address, first.port)}`, at: performance.now() }
    return found.url
  }
}
