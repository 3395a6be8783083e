/** The connection to Consul, as the environment says; of the controller and of the agent. */
import { readFileSync } from 'node:fs'
import type { ConsulClient } from '../adapters/consul/consul-client.ts'
import type { Config } from '../config/schema.ts'
import { messageOf } from '../foundation/errors.ts'
import { withoutUndefined } from '../foundation/without-undefined.ts'

/** Throws Error where none is configured, or for files that cannot be read. */
export async function connectConfigured(config: Config): Promise<ConsulClient> {
  const { consulAddress: address, consulTokenFile, consulDatacenter: datacenter } = config
  if (address === undefined) throw new Error('CONSUL_HTTP_ADDR is not set')
  const [ca, cert, key] = [
    pem('CONSUL_CACERT', config.consulCaFile),
    pem('CONSUL_CLIENT_CERT', config.consulCertFile),
    pem('CONSUL_CLIENT_KEY', config.consulKeyFile),
  ]
  pem('CONSUL_HTTP_TOKEN_FILE', consulTokenFile)
  // It takes 10 MB: only who has a Consul loads it.
  const { connectConsul } = await import('../adapters/consul/consul-client.ts')
  return connectConsul({
    address,
    tls: withoutUndefined({ ca, cert, key }),
    ...withoutUndefined({ datacenter }),
    ...(consulTokenFile !== undefined && { token: () => readFileSync(consulTokenFile, 'utf8').trim() }),
  })
}

function pem(variable: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`${variable}=${path}: cannot be read: ${messageOf(error)}`)
  }
}
