/**
 * Who may call `/v1/webhook/grafana`. With a secret: only who signed the body, this machine and holders of tokens
 * included. The raw bytes are checked before they are parsed, so nothing unsigned reaches the JSON parser.
 */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest, RequestPayload } from 'fastify'
import { createSignatureCheck, type GrafanaSigning, SIGNATURE_HEADER } from '../access/grafana-signature.ts'
import { type Guard, type OnRequest, oneHeader } from './access.ts'
import type { Refuse } from './refuse.ts'

/** Both belong to the route: `onRequest: [grafanaGuard.onRequest, …], preParsing: grafanaGuard.preParsing`. */
export interface GrafanaGuard {
  readonly onRequest: OnRequest
  preParsing(request: FastifyRequest, reply: FastifyReply, payload: RequestPayload): Promise<RequestPayload>
}

export interface GrafanaGuardDeps {
  /** Absent: the route is a route like others, for the role `scale`. */
  readonly signing: GrafanaSigning | undefined
  readonly guard: Guard
  readonly refuse: Refuse
  /** Ms since the epoch. */
  readonly now: () => number
}

const CHALLENGE = 'HMAC-SHA256 realm="orrery", header="X-Grafana-Alerting-Signature"'

export function createGrafanaGuard({ signing, guard, refuse, now }: GrafanaGuardDeps): GrafanaGuard {
  if (signing === undefined) return { onRequest: guard('scale'), preParsing: async (_request, _reply, body) => body }
  const check = createSignatureCheck(signing)
  const timestampHeader = signing.timestampHeader?.toLowerCase()
  const signedHeaders = ({ headers }: FastifyRequest) => ({
    signature: oneHeader(headers[SIGNATURE_HEADER]),
    timestamp: timestampHeader === undefined ? undefined : oneHeader(headers[timestampHeader]),
  })
  return {
    onRequest(request, _reply, done) {
      const refusal = check.refuseHeaders(signedHeaders(request), now())
      if (refusal === undefined) done()
      else refuse(request, { ...refusal, challenge: CHALLENGE }).catch(done)
    },
    async preParsing(request, _reply, payload) {
      const signature = check.begin(signedHeaders(request))
      const { headers, server, routeOptions } = request
      const limitBytes = routeOptions.bodyLimit ?? 0
      const body = await server.readBody({ payload, headers, limitBytes, onChunk: signature.add })
      const refusal = signature.refuse()
      if (refusal !== undefined) await refuse(request, { ...refusal, challenge: CHALLENGE })
      return replayed(body)
    },
  }
}

function replayed(body: Buffer): RequestPayload {
  const stream = new Readable({ read: () => {} })
  stream.push(body)
  stream.push(null)
  return Object.assign(stream, { receivedEncodedLength: body.length })
}
