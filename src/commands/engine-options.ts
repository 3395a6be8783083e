import type { EngineOptions } from '../adapters/swarm/engine/engine-address.ts'
import type { Config } from '../config/schema.ts'
import { withoutUndefined } from '../foundation/without-undefined.ts'

/** How to get to the engine, from DOCKER_HOST and its companions. */
export const engineOptions = (config: Config): EngineOptions => ({
  host: config.dockerHost,
  tlsVerify: config.dockerTlsVerify,
  ...withoutUndefined({ certPath: config.dockerCertPath, apiVersion: config.dockerApiVersion }),
})
