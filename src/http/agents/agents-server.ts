/** What agents speak to: `PUT /v1/node/<id>` and nothing else, on a listener of its own. */
import { TLSSocket } from 'node:tls'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { ReportHandler } from '../../agent/reporting.ts'
import type { AccessRules } from '../access/judge.ts'
import { createApp } from '../app.ts'
import { createGuard, type Guard } from '../plugins/access.ts'
import { answerErrors } from '../plugins/errors.ts'
import { readBodiesAsJson } from '../plugins/json-body.ts'
import { trackMethods } from '../plugins/method-not-allowed.ts'
import { createRefuse } from '../plugins/refuse.ts'
import { logRequests } from '../plugins/request-log.ts'
import { HttpProblem } from '../problem.ts'
import { reportRoutes } from '../routes/networks/reports.ts'

export interface AgentsServerDeps {
  readonly agents: ReportHandler
  /** The cluster whose certificates count; or, where there are none, who may call with which token. */
  readonly proof: { readonly cluster: () => string } | { readonly access: AccessRules }
  readonly logger: FastifyBaseLogger
  readonly now: () => number
}

export function buildAgentsServer({ agents, proof, logger, now }: AgentsServerDeps): FastifyInstance {
  const app = createApp(logger)
  const refuseOtherMethods = trackMethods(app)
  answerErrors(app)
  readBodiesAsJson(app)
  logRequests(app)
  const isByCertificate = 'cluster' in proof
  const guard = isByCertificate ? certificateGuard(proof.cluster, now) : createGuard(proof.access, createRefuse(app))
  const provenBy = isByCertificate ? 'certificate' : 'token'
  app
    .withTypeProvider<TypeBoxTypeProvider>()
    .register(async (scope) => reportRoutes(scope, agents, { guard, provenBy }))
  app.after(refuseOtherMethods)
  return app
}

interface Peer {
  readonly nodeId: string
  readonly notAfterMs: number
}

/** The node is the CN of a certificate that TLS has verified, and nothing that the caller says. */
function certificateGuard(cluster: () => string, now: () => number): Guard {
  /** What is read of a certificate is read once a connection. */
  const peers = new WeakMap<TLSSocket, Peer>()

  const peerOf = (socket: unknown): Peer | undefined => {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
    const known = peers.get(socket)
    if (known !== undefined) return known
    const { subject, valid_to } = socket.getPeerCertificate()
    // Several of one kind come as a list, and are none that Swarm gave.
    const { O, OU, CN }: { O?: unknown; OU?: unknown; CN?: unknown } = subject
    const isNode = OU === 'swarm-worker' || OU === 'swarm-manager'
    if (O !== cluster() || !isNode || typeof CN !== 'string') return undefined
    const peer = { nodeId: CN, notAfterMs: Date.parse(valid_to) }
    peers.set(socket, peer)
    return peer
  }

  return () => (request, reply, done) => {
    const { raw, params } = request
    const peer = peerOf(raw.socket)
    if (peer === undefined) {
      throw new HttpProblem('wrong-credential', 'The certificate is of no node of this Swarm.', { status: 403 })
    }
    if (!(now() <= peer.notAfterMs)) {
      reply.header('connection', 'close')
      throw new HttpProblem('wrong-credential', 'The certificate of this connection has expired.', { status: 403 })
    }
    const id: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'id') : undefined
    if (id === peer.nodeId) return done()
    const detail = `The certificate is of the node ${peer.nodeId}, and the report was sent as that of another.`
    throw new HttpProblem('node-mismatch', detail, { status: 403 })
  }
}
