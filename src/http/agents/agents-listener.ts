/**
 * Where agents are listened to: by Swarm's certificates wherever they can be read, else by tokens over the TLS of the
 * operator's own files, else not at all. It follows the certificates as Swarm renews, locks or unlocks them.
 */
import { constants } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { ReportHandler } from '../../agent/reporting.ts'
import type { SwarmIdentities, SwarmIdentity } from '../../swarm/identity.ts'
import type { AccessRules } from '../access/judge.ts'
import { type ListenAddress, type Listening, listen, type TlsFiles } from '../listen.ts'
import { buildAgentsServer } from './agents-server.ts'

export interface AgentsListenerDeps {
  readonly agents: ReportHandler
  readonly certificates: SwarmIdentities
  readonly addresses: readonly ListenAddress[]
  /** Of the operator. */
  readonly tls: TlsFiles | undefined
  readonly access: AccessRules
  readonly logger: FastifyBaseLogger
  readonly now: () => number
}

export type AgentsProof = 'certificate' | 'token' | 'none'

export interface AgentsListener {
  /** How agents prove who they are now. */
  proof(): AgentsProof
  /** A sentence for a person. */
  reason(): string
  close(): Promise<void>
}

const GRACE_MS = 1_000
const AGAIN_MS = 5_000

/** Throws an Error that names the address that could not be had. */
export async function listenForAgents(deps: AgentsListenerDeps): Promise<AgentsListener> {
  const { agents, certificates, addresses, tls, access, logger, now } = deps
  let open: { readonly proof: AgentsProof; readonly listening: Listening | undefined } = NOT_OPEN
  /** Whose certificate is shown. */
  let shown: SwarmIdentity | undefined
  let isClosed = false
  let again: NodeJS.Timeout | undefined

  const wanted = (): AgentsProof => {
    if (certificates.identity() !== undefined) return 'certificate'
    return tls === undefined ? 'none' : 'token'
  }
  const reason = (): string => {
    if (open.proof === 'certificate') return 'agents are known by their Swarm certificates'
    const why = certificates.why() ?? 'it is being opened'
    if (open.proof === 'token') return `${why}; agents are known by a token, over the TLS of ORRERY_TLS_CERT_FILE`
    return `${why}; set ORRERY_TLS_CERT_FILE and a token with the role agent for the second way (docs/operations.md)`
  }

  const openAs = async (proof: AgentsProof): Promise<Listening | undefined> => {
    if (proof === 'none') return undefined
    if (proof === 'token') {
      const app = buildAgentsServer({ agents, proof: { access }, logger, now })
      // Certificates of the operator's authorities are for callers: an agent has its token.
      const { ca: _, ...own } = tls ?? { cert: '', key: '' }
      return await listen({ app, addresses, tls: own })
    }
    const cluster = () => certificates.identity()?.cluster ?? ''
    const app = buildAgentsServer({ agents, proof: { cluster }, logger, now })
    const tlsOfSwarm = shown === undefined ? undefined : swarmTls(shown)
    return await listen({ app, addresses, tls: tlsOfSwarm, onRefused: logRefused(logger, now) })
  }

  const follow = async () => {
    const proof = wanted()
    const identity = certificates.identity()
    if (isClosed) return
    // Between two files that Swarm writes the certificate of before goes on, and so do its connections.
    const isRenewed = identity !== undefined && identity !== shown
    shown = identity
    if (proof === open.proof) {
      if (isRenewed) open.listening?.renew(swarmTls(identity))
      return
    }
    await open.listening?.close(GRACE_MS)
    open = NOT_OPEN
    open = { proof, listening: await openAs(proof) }
    if (proof === 'none') logger.warn({ event: 'agents-not-heard' }, `no agent is listened to: ${reason()}`)
    else
      logger[proof === 'token' ? 'warn' : 'info'](
        { event: 'agents-listening', by: proof, urls: open.listening?.urls },
        reason(),
      )
  }

  let work = follow()
  await work
  const turn = () => {
    clearTimeout(again)
    work = work.then(follow).catch((error: unknown) => {
      logger.error({ event: 'agents-not-heard', err: error }, 'agents cannot be listened to; it is tried again')
      again = setTimeout(turn, AGAIN_MS).unref()
    })
  }
  const stop = certificates.onChange(turn)
  return {
    proof: () => open.proof,
    reason,
    async close() {
      stop()
      isClosed = true
      clearTimeout(again)
      await work
      await open.listening?.close(GRACE_MS)
    },
  }
}

const NOT_OPEN = { proof: 'none', listening: undefined } as const

/** Tickets of an earlier CA would be taken without looking at a certificate. */
function swarmTls({ cert, key, ca }: SwarmIdentity): TlsFiles {
  return { cert, key, ca, minVersion: 'TLSv1.3', secureOptions: constants.SSL_OP_NO_TICKET }
}

/** Addresses that are remembered, each with a line a minute. */
const MOST_PEERS = 1000
const MINUTE_MS = 60_000

function logRefused(logger: FastifyBaseLogger, now: () => number): (peer: string, error: Error) => void {
  const told = new Map<string, number>()
  return (peer, error) => {
    const last = told.get(peer)
    if (last !== undefined && now() - last < MINUTE_MS) return
    if (told.size >= MOST_PEERS) told.clear()
    told.set(peer, now())
    logger.warn(
      { event: 'agent-refused', peer, err: error },
      'a connection without a certificate of this Swarm was refused',
    )
  }
}
