/** What the fake engine answers: the endpoints that the product uses, with the engine's own texts for refusals. */
import type { EngineState, Json } from './engine-state.ts'
import { nameOf, newId, versionOf } from './engine-state.ts'

export interface Reply {
  readonly status: number
  readonly body: unknown
}

export interface Route {
  /** `GET /services/{id}`. */
  readonly endpoint: string
  readonly id: string
}

interface Call {
  readonly route: Route
  readonly query: Readonly<Record<string, string>>
  readonly parsed: unknown
}

const ROUTES: readonly { readonly endpoint: string; readonly pattern: RegExp }[] = [
  { endpoint: 'GET /services', pattern: /^GET \/services$/ },
  { endpoint: 'POST /services/{id}/update', pattern: /^POST \/services\/([^/]+)\/update$/ },
  { endpoint: 'GET /services/{id}', pattern: /^GET \/services\/([^/]+)$/ },
  { endpoint: 'GET /configs', pattern: /^GET \/configs$/ },
  { endpoint: 'POST /configs/create', pattern: /^POST \/configs\/create$/ },
  { endpoint: 'POST /configs/{id}/update', pattern: /^POST \/configs\/([^/]+)\/update$/ },
  { endpoint: 'GET /swarm', pattern: /^GET \/swarm$/ },
  { endpoint: 'GET /events', pattern: /^GET \/events$/ },
  { endpoint: 'GET /_ping', pattern: /^GET \/_ping$/ },
]

export function routeOf(method: string, path: string): Route {
  const call = `${method} ${path}`
  for (const { endpoint, pattern } of ROUTES) {
    const match = pattern.exec(call)
    if (match !== null) return { endpoint, id: decodeURIComponent(match[1] ?? '') }
  }
  return { endpoint: call, id: '' }
}

const OUT_OF_SEQUENCE = 'rpc error: code = Unknown desc = update out of sequence'

export function answer(state: EngineState, call: Call): Reply {
  const { id, endpoint } = call.route
  switch (endpoint) {
    case 'GET /services':
      return { status: 200, body: [...state.services.values()] }
    case 'GET /services/{id}':
      return inspect(state, id)
    case 'POST /services/{id}/update':
      return updateService(state, call)
    case 'GET /configs':
      return { status: 200, body: listConfigs(state, call.query.filters) }
    case 'POST /configs/create':
      return createConfig(state, call.parsed as Json)
    case 'POST /configs/{id}/update':
      return updateConfig(state, call)
    case 'GET /swarm':
      return { status: 200, body: { ID: 'swarm', Version: { Index: 10 } } }
    case 'GET /_ping':
      return { status: 200, body: 'OK' }
    default:
      return { status: 404, body: { message: 'page not found' } }
  }
}

/** By id, else by name, else by a prefix of the id: as moby's getService. */
function inspect(state: EngineState, asked: string): Reply {
  const all = [...state.services.values()]
  const found =
    state.services.get(asked) ??
    all.find((raw) => nameOf(raw) === asked) ??
    all.find((raw) => String(raw.ID).startsWith(asked))
  return found === undefined ? refusal(404, `service ${asked} not found`) : { status: 200, body: found }
}

function updateService(state: EngineState, { route, query, parsed }: Call): Reply {
  const raw = state.services.get(route.id)
  if (raw === undefined) return refusal(404, `service ${route.id} not found`)
  if (query.version !== versionOf(raw)) return refusal(500, OUT_OF_SEQUENCE)
  state.updateService(route.id, parsed as Json)
  return { status: 200, body: { Warnings: null } }
}

/** The name filter matches prefixes. */
function listConfigs(state: EngineState, filters: string | undefined): Json[] {
  const names: string[] = filters === undefined ? [''] : JSON.parse(filters).name
  return [...state.configs.values()].filter((raw) => names.some((name) => nameOf(raw).startsWith(name)))
}

function createConfig(state: EngineState, spec: Json): Reply {
  if (!spec.Data) return refusal(400, 'config data must be larger than 0 and less than 1024000 bytes')
  if (state.configLabels(String(spec.Name)) !== undefined) {
    return refusal(409, `rpc error: code = AlreadyExists desc = config ${spec.Name} already exists`)
  }
  const ID = newId()
  state.putConfig('create', { ID, Spec: spec })
  return { status: 201, body: { ID } }
}

function updateConfig(state: EngineState, { route, query, parsed }: Call): Reply {
  const raw = state.configs.get(route.id)
  if (raw === undefined) return refusal(404, `config ${route.id} not found`)
  const [before, after] = [raw.Spec as Json, parsed as Json]
  if (after.Name !== before.Name || (after.Data !== undefined && after.Data !== before.Data)) {
    return refusal(400, 'rpc error: code = InvalidArgument desc = only updates to Labels are allowed')
  }
  if (query.version !== versionOf(raw)) return refusal(500, OUT_OF_SEQUENCE)
  state.putConfig('update', { ...raw, Spec: after })
  return { status: 200, body: null }
}

function refusal(status: number, message: string): Reply {
  return { status, body: { message } }
}
