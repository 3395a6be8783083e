/** The connection to Consul, and what each of its failures means. */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import Consul from 'consul'
import { Fault, messageOf } from '../../foundation/errors.ts'

export interface ConsulOptions {
  /** A URL: `http://127.0.0.1:8500`, `https://consul:8501`. */
  readonly address: string
  /** Read at each call: a token is rotated by writing the file anew. Absent or empty: none. */
  readonly token?: () => string | undefined
  readonly datacenter?: string
  /** PEM. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

export interface ConsulClient {
  readonly address: string
  readonly consul: Consul
  /** What goes with every call. */
  common(timeoutMs?: number): { readonly token?: string; readonly dc?: string; readonly timeout: number }
  /** Runs one call of the client. Throws Fault `consul-unavailable` or `consul-refused`. */
  call<T>(what: string, work: () => Promise<T>): Promise<T>
  /** For what the package's own method drops of a body; within `call`, as those. `path` without `/v1`. */
  put(path: string, body: object): Promise<void>
  /** One transaction, by the API's own names; within `call`, as those. */
  transact(operations: readonly object[], timeoutMs: number): Promise<unknown>
  close(): void
}

const TIMEOUT_MS = 5_000
/** Of one answer: some 30,000 checks. */
const MOST_BYTES = 16 * 1024 * 1024

export function connectConsul({ address, token, datacenter, tls = {} }: ConsulOptions): ConsulClient {
  const url = new URL(address)
  const secure = url.protocol === 'https:'
  // More than the types of the package tell; its HTTP client takes them.
  const options = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (secure ? 443 : 8500)),
    secure,
    ...tls,
  }
  const consul = new Consul(options)
  limitAnswers(consul)
  const common = (timeoutMs = TIMEOUT_MS) => {
    const current = token?.()
    return {
      ...(current && { token: current }),
      ...(datacenter !== undefined && { dc: datacenter }),
      timeout: timeoutMs,
    }
  }
  return {
    ...{ address: url.origin, consul, common },
    async put(path, body) {
      const { token: current, dc, timeout } = common()
      const headers = current === undefined ? {} : { 'x-consul-token': current }
      const query = dc === undefined ? {} : { dc }
      await ofPapi(consul, '_put')({ name: path, path, type: 'json', body, headers, query, timeout })
    },
    async transact(operations, timeoutMs) {
      // The package's types name the fields in lower case and send them as they are; Consul reads either.
      const body = operations as unknown as Parameters<Consul['transaction']['create']>[0]
      return await consul.transaction.create(body, { ...common(timeoutMs), operations: body })
    },
    async call(what, work) {
      try {
        return await work()
      } catch (error) {
        throw consulFault(error, { what, address: url.origin, datacenter })
      }
    },
    close: () => consul.destroy(),
  }
}

interface Transport {
  request(options: RequestOptions): ClientRequest
}

/** A method of what the package is built on, papi: documented, and not among the package's types. */
function ofPapi(consul: Consul, name: '_ext' | '_put'): (...given: readonly unknown[]) => unknown {
  const method: unknown = Reflect.get(consul, name)
  if (typeof method !== 'function') throw new Error(`the package consul has no ${name} any more`)
  return (...given) => method.call(consul, ...given)
}

/** The package keeps whatever comes. */
function limitAnswers(consul: Consul): void {
  ofPapi(consul, '_ext')('onRequest', (asked: { transport: Transport }, next: () => void) => {
    const { transport } = asked
    asked.transport = { request: (options) => limited(transport.request(options)) }
    next()
  })
}

function limited(request: ClientRequest): ClientRequest {
  const giveUp = (why: string) => {
    request.destroy()
    request.emit('error', new Error(why))
  }
  return request.on('response', (response: IncomingMessage) => {
    let bytes = 0
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MOST_BYTES) giveUp(`its answer is longer than ${MOST_BYTES} bytes`)
    })
    // The package would wait until the time is over.
    response.on('close', () => {
      if (!response.complete) giveUp('its answer ended early')
    })
  })
}

/** An HTTP answer that is no success, as the package hands it on. */
export interface FailedAnswer {
  readonly status: number
  readonly body: unknown
}

export function answerOf(error: unknown): FailedAnswer | undefined {
  if (!(error instanceof Error) || !('response' in error)) return undefined
  const { response } = error
  if (typeof response !== 'object' || response === null || !('statusCode' in response)) return undefined
  const { statusCode } = response
  const body = 'body' in response ? response.body : undefined
  // What went wrong in the midst of a good answer is no refusal.
  return typeof statusCode === 'number' && statusCode >= 300 ? { status: statusCode, body } : undefined
}

function consulFault(
  cause: unknown,
  {
    what,
    address,
    datacenter,
  }: { readonly what: string; readonly address: string; readonly datacenter: string | undefined },
): Fault {
  if (cause instanceof Fault) return cause
  const answer = answerOf(cause)
  const said = answer === undefined ? messageOf(cause) || String(cause) : textOf(answer.body)
  const failed = (rest: string) => `Consul at ${address}, ${what}: ${rest}`
  if (answer === undefined) {
    const isTls = /certificate|self.signed|tls|ssl/i.test(said)
    const hint = isTls ? ' - CONSUL_CACERT has to name the file of the authority that signed its certificate' : ''
    return new Fault('consul-unavailable', failed(`${said}${hint}`), { cause, retryAfterMs: 2_000 })
  }
  if (answer.status === 403) {
    const hint = 'the token of CONSUL_HTTP_TOKEN_FILE lacks a right; docs/discovery.md has the policy it needs'
    return new Fault('consul-unavailable', failed(`${said} - ${hint}`), { cause, retryAfterMs: 5_000 })
  }
  if (/no path to datacenter/i.test(said)) {
    const hint = `ORRERY_CONSUL_DATACENTER=${datacenter ?? ''} is not a datacenter that it knows`
    return new Fault('consul-unavailable', failed(`${said} - ${hint}`), { cause, retryAfterMs: 5_000 })
  }
  if (answer.status >= 500 || answer.status === 429)
    return new Fault('consul-unavailable', failed(`${answer.status} ${said}`), { cause, retryAfterMs: 2_000 })
  return new Fault('consul-refused', failed(`${answer.status} ${said}`), { cause })
}

function textOf(body: unknown): string {
  const text =
    typeof body === 'string' ? body : Buffer.isBuffer(body) ? body.toString('utf8') : JSON.stringify(body ?? '')
  return text.slice(0, 500).trim()
}
