/** Where the engine listens and how to get there: DOCKER_HOST and its companions as options of dockerode. */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { join } from 'node:path'
import type Docker from 'dockerode'

/** Plain values: the environment is read elsewhere. */
export interface EngineOptions {
  /** As DOCKER_HOST: `unix:///path`, `tcp://host:port`, `http://host:port`, `https://host:port`. */
  readonly host: string
  /** As DOCKER_TLS_VERIFY: TLS, and the engine's certificate must be valid. Implied by `https://`. */
  readonly tlsVerify?: boolean
  /** As DOCKER_CERT_PATH: a folder with `ca.pem`, `cert.pem`, `key.pem`. Alone it means TLS without verifying the engine. */
  readonly certPath?: string
  /** As DOCKER_API_VERSION, e.g. `1.43`. Unset is better: engines strip fields newer than the version in the path. */
  readonly apiVersion?: string
}

export interface EngineAddress {
  readonly docker: Docker.DockerOptions & { readonly agent: http.Agent }
  readonly agent: http.Agent
  /** For messages to people. */
  readonly shown: string
}

const AGENT = { keepAlive: true, maxFreeSockets: 16, scheduling: 'lifo' } as const

const TCP_SCHEMES = new Set(['tcp:', 'http:', 'https:'])

/** Throws an Error that says what is wrong with the options; reads the certificate files. */
export function engineAddress(options: EngineOptions): EngineAddress {
  const version = options.apiVersion === undefined ? undefined : `v${options.apiVersion.replace(/^v/, '')}`
  // Each unset field is named: docker-modem fills those that are missing from the process environment.
  const unset = { host: undefined, port: undefined, ca: undefined, cert: undefined, key: undefined, timeout: undefined }
  if (options.host.startsWith('unix://')) {
    const socketPath = options.host.slice('unix://'.length)
    if (!socketPath.startsWith('/')) throw new Error(`DOCKER_HOST "${options.host}": a path must follow unix://`)
    const agent = new http.Agent(AGENT)
    return { docker: { ...unset, protocol: 'http', socketPath, version, agent }, agent, shown: options.host }
  }
  const url = URL.canParse(options.host) ? new URL(options.host) : undefined
  if (url === undefined || !TCP_SCHEMES.has(url.protocol) || url.hostname === '' || url.pathname.length > 1) {
    throw new Error(`DOCKER_HOST "${options.host}": expected unix:///path, tcp://host:port or https://host:port`)
  }
  const tls = url.protocol === 'https:' || options.tlsVerify === true || options.certPath !== undefined
  const files = tls && options.certPath !== undefined ? readCertificates(options.certPath) : {}
  const verify = url.protocol === 'https:' || options.tlsVerify === true
  const agent = tls ? new https.Agent({ ...AGENT, ...files, rejectUnauthorized: verify }) : new http.Agent(AGENT)
  const protocol = tls ? 'https' : 'http'
  const port = url.port === '' ? defaultPort(url.protocol, tls) : Number(url.port)
  const socketPath = undefined
  return {
    docker: { ...unset, ...files, protocol, host: url.hostname, port, socketPath, version, agent },
    agent,
    shown: `${protocol}://${url.hostname}:${port}`,
  }
}

function defaultPort(scheme: string, tls: boolean): number {
  if (scheme === 'http:') return 80
  if (scheme === 'https:') return 443
  return tls ? 2376 : 2375
}

function readCertificates(folder: string): { ca: Buffer; cert: Buffer; key: Buffer } {
  const read = (name: string) => readFileSync(join(folder, name))
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') }
}
