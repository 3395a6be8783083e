/** The connection to Consul, which several capabilities share, and what is found there. */
import { createConsulAgent } from '../../adapters/consul/agent.ts'
import type { ConsulClient } from '../../adapters/consul/consul-client.ts'
import type { Config } from '../../config/schema.ts'
import type { ConsulAgent } from '../../discovery/ports.ts'
import { hostPort } from '../../foundation/host-port.ts'
import { connectConfigured } from '../connect-consul.ts'

export interface Consul {
  readonly client: ConsulClient
  readonly agent: ConsulAgent
}

/** A Prometheus that was found is asked for this long. */
const FOUND_FOR_MS = 10_000

/** `undefined`: none is configured. Throws Error for files that cannot be read. */
export async function openConsul(config: Config): Promise<Consul | undefined> {
  if (config.consulAddress === undefined) return undefined
  const client = await connectConfigured(config)
  return { client, agent: createConsulAgent(client) }
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
