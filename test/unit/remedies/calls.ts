/** What the API answers to calls that it cannot read, or not now. */
import { PassThrough, Readable } from 'node:stream'
import { createReadBody } from '../../../src/http/plugins/body-budget.ts'
import { alert, alertmanager } from '../../support/builders/notifications.ts'
import { server } from '../../support/use-cases/http.ts'
import { memoryController } from '../../support/use-cases/memory-controller.ts'
import { type RemedyCase, remediesOf } from './remedy.ts'

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly payload?: string | object
  readonly headers?: Readonly<Record<string, string>>
  /** Calls before it, to the same controller. */
  readonly before?: readonly Call[]
  /** By name, besides `web`: count and labels. */
  readonly services?: Readonly<Record<string, { readonly replicas?: number; readonly labels: Labels }>>
  /** The controller was told to stop. */
  readonly isStopping?: boolean
}
type Labels = Readonly<Record<string, string>>

interface Answer {
  readonly detail?: string
  readonly outcome?: string
  readonly reason?: string
  /** Of a look at what would be. */
  readonly stages?: unknown
  readonly results?: readonly { readonly error?: { readonly detail: string } }[]
}

const WEB: Labels = {
  'autoscaler.enable': 'true',
  'autoscaler.min': '2',
  'autoscaler.max': '9',
  'autoscaler.cooldown': '0',
}
const NOW_MS = Date.UTC(2026, 0, 31, 12)

/** What is wrong with the call, or why it changed nothing. */
const told = async ({ before = [], services = {}, isStopping = false, ...call }: Call) => {
  const { swarm, catalog, scaler, alerts } = memoryController({ nowMs: NOW_MS })
  const all: NonNullable<Call['services']> = { web: { labels: WEB }, ...services }
  for (const [name, { replicas = 3, labels }] of Object.entries(all)) {
    swarm.add({ id: `id-${name}`, name, replicas, labels })
  }
  const stopping = isStopping ? { stopping: AbortSignal.abort() } : {}
  const app = server({ catalog, scaler, alerts, now: () => NOW_MS, ...stopping })
  const send = async ({ method = 'POST', url, payload, headers = {} }: Call) =>
    await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
  for (const each of before) await send(each)
  const { statusCode, body } = await send(call)
  if (!body.startsWith('{')) return statusCode < 400 ? [] : [body]
  const { detail, outcome, reason, stages, results = [] } = JSON.parse(body) as Answer
  if (statusCode >= 400) return [detail ?? body]
  const unchanged = outcome === undefined || outcome === 'scaled' || stages !== undefined ? [] : [reason ?? '']
  return [...unchanged, ...results.flatMap(({ error }) => error?.detail ?? [])]
}
const W = '/v1/autoscaler/web'
const call = (
  bad: Call,
  says: RegExp,
  ...mends: readonly ((...groups: readonly string[]) => Call)[]
): RemedyCase<Call> => ({
  bad,
  says,
  mends,
})

const firing = (labels: Labels): Call => ({
  url: '/v1/webhook/alertmanager',
  payload: alertmanager([{ ...alert(), labels: { alertname: 'HighLoad', ...labels } }]),
})
const ZERO = { web: { replicas: 0, labels: WEB } }
const twins = {
  a: { labels: { ...WEB, 'autoscaler.name': 'shop' } },
  b: { labels: { ...WEB, 'autoscaler.name': 'shop' } },
}
const KEYED = { 'idempotency-key': 'one' }

/** How often a body is sent, while others take what there is for all. */
const bodies = remediesOf<number>(
  'a body',
  async (times) => {
    const read = createReadBody(1000)
    const slow = new PassThrough()
    let last = read({ payload: slow, headers: {}, limitBytes: 5000 })
    slow.write('x'.repeat(600))
    const other = read({ payload: Readable.from([Buffer.alloc(600)]), headers: {}, limitBytes: 5000 })
    for (let more = 1; more < times; more += 1) {
      await Promise.allSettled([last, other])
      last = read({ payload: Readable.from([Buffer.alloc(900)]), headers: {}, limitBytes: 5000 })
    }
    const [answer] = await Promise.allSettled([last, other])
    return answer.status === 'rejected' ? [String(answer.reason.message)] : []
  },
  [{ bad: 1, says: /Too many bodies are on their way, .*: send it again/, mends: [() => 2] }],
)

const calls = remediesOf<Call>('a call', told, [
  call(
    { url: `${W}/up`, payload: '{}', headers: { 'content-encoding': 'gzip' } },
    /The body is encoded \(Content-Encoding: gzip\); send it as it is/,
    () => ({ url: `${W}/up`, payload: '{}' }),
  ),
  call({ url: `${W}/up`, isStopping: true }, /This controller is stopping; ask again, another one .* answers/, () => ({
    url: `${W}/up`,
  })),
  call(
    { url: `${W}/up?by=much` },
    /by is "much"; it must be a whole number from (1) to \d+, or per cent.* as "(\d+%)"/,
    (by) => ({ url: `${W}/up?by=${by}` }),
    (_, by = '') => ({ url: `${W}/up?by=${encodeURIComponent(by)}` }),
  ),
  call(
    { url: `${W}/pause?for=long` },
    /for is "long"; it must be a duration such as "(\w+)", "(\w+)" or "(\w+)", or a whole number/,
    ...[0, 1, 2].map((at) => (...right: readonly string[]) => ({ url: `${W}/pause?for=${right[at]}` })),
  ),
  call(
    { url: `${W}/up`, headers: { 'idempotency-key': ' ' } },
    /Idempotency-Key is blank; send a text that is new for every request, such as a UUID/,
    () => ({ url: `${W}/up`, headers: { 'idempotency-key': crypto.randomUUID() } }),
  ),
  call(
    { url: `${W}/explain`, payload: { metrics: { cpu: 50 }, direction: 'up' } },
    /send \{"metrics":\{…\}\} alone/,
    () => ({ url: `${W}/explain`, payload: { metrics: { cpu: 50 } } }),
  ),
  call(
    { url: `${W}/explain`, payload: { replicas: 3, direction: 'up' } },
    /send \{"replicas":n\} or \{"direction","by"\}/,
    () => ({ url: `${W}/explain`, payload: { replicas: 3 } }),
    () => ({ url: `${W}/explain`, payload: { direction: 'up', by: 2 } }),
  ),
  call(
    { method: 'PUT', url: `${W}/replicas?replicas=5`, payload: { replicas: 4 } },
    /is not known here; send it in the body/,
    () => ({
      method: 'PUT',
      url: `${W}/replicas`,
      payload: { replicas: 5 },
    }),
  ),
  call(
    { url: `${W}/explain`, payload: { direction: 'up', by: '0' } },
    /by is "0"; it must be .* from (1) .*\(at most 10000%\)/,
    (by) => ({ url: `${W}/explain`, payload: { direction: 'up', by: Number(by) } }),
  ),
  call(
    { method: 'GET', url: `${W}/history?since=now` },
    /since is "now"; it must be a time such as "(\S+)"/,
    (time = '') => ({ method: 'GET', url: `${W}/history?since=${time}` }),
  ),
  call(
    { method: 'PUT', url: `${W}/replicas`, payload: { replicas: 'three' } },
    /replicas is "three"; it must be a whole number from (\d)/,
    (replicas) => ({ method: 'PUT', url: `${W}/replicas`, payload: { replicas: Number(replicas) } }),
  ),
  call(
    { method: 'PUT', url: `${W}/replicas`, payload: {} },
    /replicas is missing; it must be a whole number from (\d)/,
    (replicas) => ({ method: 'PUT', url: `${W}/replicas`, payload: { replicas: Number(replicas) } }),
  ),
  call({ url: `${W}/up`, payload: { By: 2 } }, /"By" is not known; it is written (\w+)/, (name = '') => ({
    url: `${W}/up`,
    payload: { [name]: 2 },
  })),
  call(
    { url: `${W}/up`, payload: { replicas: 5 } },
    /PUT \/v1\/autoscaler\/<name>\/(replicas) sets a count/,
    (name = '') => ({ method: 'PUT', url: `${W}/${name}`, payload: { [name]: 5 } }),
  ),
  call(
    { url: `${W}/up`, payload: '[1]', headers: { 'content-type': 'application/json' } },
    /The body must be a JSON object/,
    () => ({ url: `${W}/up`, payload: {} }),
  ),
  call(
    { url: `${W}/up`, payload: { status: 'resolved', ruleName: 'r' } },
    /it must be JSON with `alerts`, a list, and `version`, "(\d)" .* A plain call needs no body/,
    () => ({ url: `${W}/up` }),
  ),
  call({ method: 'GET', url: `${W}/up` }, /is not possible here; possible: (\w+)/, (method) => ({
    method: method as 'POST',
    url: `${W}/up`,
  })),
  call({ url: '/v1/autoscale/web/up' }, /There is no POST .*; (\/docs) lists what there is/, (url = '') => ({
    method: 'GET',
    url: `${url}/`,
  })),
  call(
    { url: '/v1/orbiter/handle/autoswarm/web/sideways' },
    /it must end in "(up)" or "(down)"/,
    (word) => ({ url: `/v1/orbiter/handle/autoswarm/web/${word}` }),
    (_, word) => ({ url: `/v1/orbiter/handle/autoswarm/web/${word}` }),
  ),
  call(
    { url: '/v1/orbiter/handle/autoswarm/web' },
    /send \{"direction":true\} for up, \{"direction":false\} for down/,
    () => ({ url: '/v1/orbiter/handle/autoswarm/web', payload: '{"direction":true}' }),
    () => ({ url: '/v1/orbiter/handle/autoswarm/web', payload: '{"direction":false}' }),
  ),
  call(
    firing({ scale: 'up' }),
    /it has no label (autoscaler) or (service) to say what it is for/,
    (name = '') => firing({ scale: 'up', [name]: 'web' }),
    (_, name = '') => firing({ scale: 'up', [name]: 'web' }),
  ),
  call(
    firing({ service: 'web', scale: 'UP' }),
    /its label scale is "UP"; write "(\w+)" or "(\w+)"/,
    (scale = '') => firing({ service: 'web', scale }),
    (_, scale = '') => firing({ service: 'web', scale }),
  ),
  call(
    firing({ service: 'web', scale: 'up', by: 'much' }),
    /write a whole number from (1), or per cent such as "(\d+%)"/,
    (by = '') => firing({ service: 'web', scale: 'up', by }),
    (_, by = '') => firing({ service: 'web', scale: 'up', by }),
  ),
  call(
    { url: `${W}/up`, services: ZERO },
    /the count is 0, below min: set by hand, so it is left alone; (PUT) (replicas) or `docker service scale` ends it/,
    (method, name) => ({
      url: `${W}/up`,
      services: ZERO,
      before: [{ method: method as 'PUT', url: `${W}/${name}`, payload: { replicas: 2 } }],
    }),
    () => ({ url: `${W}/up`, services: { web: { replicas: 2, labels: WEB } } }),
  ),
  call(
    { url: `${W}/down`, headers: KEYED, before: [{ url: `${W}/up`, headers: KEYED }] },
    /this Idempotency-Key was used for another request; use a new key for a new request/,
    () => ({ url: `${W}/down`, headers: { 'idempotency-key': 'two' }, before: [{ url: `${W}/up`, headers: KEYED }] }),
  ),
  call(
    { method: 'PUT', url: `${W}/replicas`, payload: { replicas: 5, expect: 4 } },
    /The count is (\d+) now, not 4; nothing was changed for this call\. Look again/,
    (expected) => ({ method: 'PUT', url: `${W}/replicas`, payload: { replicas: 5, expect: Number(expected) } }),
  ),
  call(
    { url: '/v1/autoscaler/api/up', services: { api: { labels: {} } } },
    /set the service label (\S+)=(\w+) \(in a stack/,
    (name = '', value = '') => ({
      url: '/v1/autoscaler/api/up',
      services: { api: { labels: { [name]: value, 'autoscaler.max': '9' } } },
    }),
  ),
  call(
    { url: '/v1/autoscaler/shop/up', services: twins },
    /2 services have the autoscaler name shop: (\w+), (\w+); give each its own (\S+)/,
    (a = '', b = '', name = '') => ({
      url: `/v1/autoscaler/${a}/up`,
      services: { [a]: { labels: { ...WEB, [name]: a } }, [b]: { labels: { ...WEB, [name]: b } } },
    }),
  ),
])

export const callRemedies = [...calls, ...bodies]
