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
  { endpoint: 'DELETE /configs/{id}', pattern: /^DELETE \/configs\/([^/]+)$/ },
  { endpoint: 'GET /nodes', pattern: /^GET \/nodes$/ },
  { endpoint: 'GET /nodes/{id}', pattern: /^GET \/nodes\/([^/]+)$/ },
  { endpoint: 'POST /nodes/{id}/update', pattern: /^POST \/nodes\/([^/]+)\/update$/ },
  { endpoint: 'GET /tasks', pattern: /^GET \/tasks$/ },
  { endpoint: 'GET /networks', pattern: /^GET \/networks$/ },
  { endpoint: 'POST /networks/create', pattern: /^POST \/networks\/create$/ },
  { endpoint: 'DELETE /networks/{id}', pattern: /^DELETE \/networks\/([^/]+)$/ },
  { endpoint: 'GET /info', pattern: /^GET \/info$/ },
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
    case 'DELETE /configs/{id}':
      return removeConfig(state, id)
    case 'GET /nodes':
      return { status: 200, body: [...state.nodes.values()] }
    case 'GET /nodes/{id}':
      return state.nodes.has(id) ? { status: 200, body: state.nodes.get(id) } : refusal(404, `node ${id} not found`)
    case 'POST /nodes/{id}/update':
      return updateNode(state, call)
    case 'GET /tasks':
      return { status: 200, body: listTasks(state, call.query.filters) }
    case 'GET /networks':
      return { status: 200, body: [...state.networks.values()] }
    case 'POST /networks/create':
      return createNetwork(state, call.parsed as Json)
    case 'DELETE /networks/{id}':
      return removeNetwork(state, id)
    case 'GET /info':
      return { status: 200, body: { ServerVersion: '28.5.1', Swarm: { NodeID: 'manager' } } }
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

function removeConfig(state: EngineState, id: string): Reply {
  if (!state.configs.has(id)) return refusal(404, `config ${id} not found`)
  state.remove('config', id)
  return { status: 204, body: undefined }
}

function updateNode(state: EngineState, { route, query, parsed }: Call): Reply {
  const raw = state.nodes.get(route.id)
  if (raw === undefined) return refusal(404, `node ${route.id} not found`)
  if (query.version !== versionOf(raw)) return refusal(500, OUT_OF_SEQUENCE)
  state.putNode({ ...raw, Spec: parsed as Json })
  return { status: 200, body: null }
}

/** Filters of one kind are alternatives, kinds are added up; an empty one counts for nothing. */
function listTasks(state: EngineState, filters: string | undefined): Json[] {
  const wanted: Record<string, string[]> = filters === undefined ? {} : JSON.parse(filters)
  const fits = (kind: string, value: unknown) => !wanted[kind]?.length || wanted[kind].includes(String(value))
  return [...state.tasks.values()].filter(
    (raw) => fits('service', raw.ServiceID) && fits('desired-state', raw.DesiredState) && fits('id', raw.ID),
  )
}

function createNetwork(state: EngineState, body: Json): Reply {
  const all = [...state.networks.values()]
  const from = (body.ConfigFrom as Json | undefined)?.Network
  if (all.some(({ Name }) => Name === body.Name)) return refusal(409, `network with name ${body.Name} already exists`)
  if (!all.some(({ Name, ConfigOnly }) => Name === from && ConfigOnly === true)) {
    return refusal(404, `configuration network "${from}" not found`)
  }
  return { status: 201, body: { Id: state.putNetwork(body) } }
}

function removeNetwork(state: EngineState, id: string): Reply {
  if (!state.networks.has(id)) return refusal(404, `network ${id} not found`)
  state.removeNetwork(id)
  return { status: 204, body: undefined }
}

function refusal(status: number, message: string): Reply {
  return { status, body: { message } }
}
