import type { EngineOptions } from '../adapters/swarm/engine/engine-address.ts'
import type { Config } from '../config/schema.ts'

/** How to get to the engine, from DOCKER_HOST and its companions. */
export function engineOptions({
  dockerHost,
  dockerTlsVerify,
  dockerCertPath,
  dockerApiVersion,
}: Config): EngineOptions {
  return {
    host: dockerHost,
    tlsVerify: dockerTlsVerify,
    ...(dockerCertPath !== undefined && { certPath: dockerCertPath }),
    ...(dockerApiVersion !== undefined && { apiVersion: dockerApiVersion }),
  }
}
