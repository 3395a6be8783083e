/**
 * Listens on every wanted address with one app. Clients that are slow to ask or to read are cut off.
 * To stop: abort `ServerDeps.stopping` (new work is refused, streams end), then `Scaler.stop()`, then `close()` here.
 */
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureVersion, TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { hostPort } from '../foundation/host-port.ts'
import { createClientErrors } from './client-error.ts'
import { createConnections } from './connections.ts'
import { inTurns } from './turns.ts'

export interface ListenAddress {
  /** Absent: all addresses of the machine, IPv4 and IPv6. */
  readonly host?: string
  /** 0: any free one. */
  readonly port: number
}

/** PEM texts. With `ca`, every client must show a certificate of one of these authorities. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  readonly ca?: string
  readonly minVersion?: SecureVersion
  readonly secureOptions?: number
}

export interface Listening {
  readonly addresses: readonly AddressInfo[]
  /** `http://127.0.0.1:8000`, one an address. */
  readonly urls: readonly string[]
  /** From now on connections are met with these, and those that there are end. Only where it began with TLS. */
  renew(tls: TlsFiles): void
  /** Takes no new connections, ends streams, lets answers under way finish for at most `graceMs`. */
  close(graceMs?: number): Promise<void>
}

const ARRIVAL_TIMEOUT_MS = 10_000
const GRACE_MS = 10_000
const IDLE_CHECK_MS = 100

const SERVER_OPTIONS: ServerOptions = {
  headersTimeout: ARRIVAL_TIMEOUT_MS,
  requestTimeout: ARRIVAL_TIMEOUT_MS,
  // Node looks only every 30 s by itself, which would make 40 s out of 10; and the more often, the fewer at once.
  connectionsCheckingInterval: 200,
  // Longer than the usual 60 s of proxies, so that they close idle connections first.
  keepAliveTimeout: 65_000,
}
/** All listeners together; what each costs is some 10 KB, with TLS some 40. */
const MOST_CONNECTIONS = 4000
/** Of a connection with an answer under way. */
const INACTIVITY_TIMEOUT_MS = 60_000

export interface ListenDeps {
  readonly app: FastifyInstance
  readonly addresses: readonly ListenAddress[]
  readonly tls?: TlsFiles | undefined
  /** For tests; ms for a whole request to arrive. */
  readonly arrivalTimeoutMs?: number
  readonly mostConnections?: number
  /** Called for each handshake that failed. */
  readonly onRefused?: (peer: string, error: Error) => void
}

/** Throws an Error that names the address that could not be had; nothing listens then. */
export async function listen({
  app,
  addresses,
  tls,
  arrivalTimeoutMs = ARRIVAL_TIMEOUT_MS,
  mostConnections = MOST_CONNECTIONS,
  onRefused,
}: ListenDeps): Promise<Listening> {
  await app.ready()
  const limits = { ...SERVER_OPTIONS, headersTimeout: arrivalTimeoutMs, requestTimeout: arrivalTimeoutMs }
  const servers: (Server | TlsServer)[] = []
  const connections = createConnections(mostConnections)
  const onClientError = createClientErrors()
  const answer = inTurns((request, response) => app.routing(request, response))
  const listener: RequestListener = (request, response) => {
    connections.heard(request.socket)
    answer(request, response)
  }
  try {
    for (const address of addresses) {
      const server = createOne(limits, tls, listener)
      connections.watch(server)
      server.on('clientError', onClientError)
      server.on('tlsClientError', (error: Error, { remoteAddress = '' }: TLSSocket) =>
        onRefused?.(remoteAddress, error),
      )
      await bind(server, address, addresses)
      servers.push(server)
    }
  } catch (error) {
    await closeAll(servers, 0)
    throw error
  }
  const bound = servers
    .map((server) => server.address())
    .filter((address) => typeof address === 'object' && address !== null)
  return {
    addresses: bound,
    urls: bound.map(({ address, port }) => `${tls ? 'https' : 'http'}://${hostPort(address, port)}`),
    renew(next) {
      for (const server of servers) if ('setSecureContext' in server) server.setSecureContext(next)
      connections.end()
    },
    async close(graceMs = GRACE_MS) {
      // Closing the app ends streams and refuses new work; what is under way goes on.
      await Promise.all([app.close(), closeAll(servers, graceMs)])
    },
  }
}

function createOne(limits: ServerOptions, tls: TlsFiles | undefined, listener: RequestListener): Server | TlsServer {
  const asksForCertificate = tls?.ca !== undefined
  const server = tls
    ? createTlsServer(
        {
          ...limits,
          ...tls,
          handshakeTimeout: limits.headersTimeout,
          requestCert: asksForCertificate,
          rejectUnauthorized: asksForCertificate,
        },
        listener,
      )
    : createServer(limits, listener)
  server.setTimeout(INACTIVITY_TIMEOUT_MS)
  return server
}

async function bind(server: Server, { host, port }: ListenAddress, all: readonly ListenAddress[]): Promise<void> {
  // `[::]` takes IPv4 too and then stands in the way of `0.0.0.0` on the same port.
  const ipv6Only =
    host?.includes(':') === true && all.some((other) => other.port === port && other.host?.includes(':') === false)
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) =>
      reject(new Error(`cannot listen on ${host ?? ''}:${port}: ${error.message}`, { cause: error }))
    server.once('error', fail)
    server.listen({ port, ipv6Only, ...(host !== undefined && { host }) }, () => {
      server.off('error', fail)
      resolve()
    })
  })
}

async function closeAll(servers: readonly Server[], graceMs: number): Promise<void> {
  const closing = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
  // `close` ends only the connections that are idle at that moment.
  const idle = setInterval(() => forEach(servers, 'closeIdleConnections'), IDLE_CHECK_MS)
  const grace = setTimeout(() => forEach(servers, 'closeAllConnections'), graceMs)
  await Promise.all(closing)
  clearInterval(idle)
  clearTimeout(grace)
}

function forEach(servers: readonly Server[], act: 'closeIdleConnections' | 'closeAllConnections'): void {
  for (const server of servers) server[act]()
}
