/** What the fake engine answers: the endpoints that the product uses, with the engine's own texts for refusals. */
import { type EngineState, type Json, nameOf, newId, versionOf } from './engine-state.ts'

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

const ok = (body: unknown): Reply => ({ status: 200, body })

const ROUTES: Readonly<Record<string, (state: EngineState, call: Call) => Reply>> = {
  'GET /services': (state) => ok([...state.services.values()]),
  'GET /services/{id}': (state, { route }) => inspect(state, route.id),
  'POST /services/{id}/update': updateService,
  'GET /configs': (state, { query }) => ok(listConfigs(state, query.filters)),
  'POST /configs/create': (state, { parsed }) => createConfig(state, parsed as Json),
  'POST /configs/{id}/update': updateConfig,
  'DELETE /configs/{id}': (state, { route }) => removeConfig(state, route.id),
  'GET /nodes': (state) => ok([...state.nodes.values()]),
  'GET /nodes/{id}': (state, { route: { id } }) =>
    state.nodes.has(id) ? ok(state.nodes.get(id)) : refusal(404, `node ${id} not found`),
  'POST /nodes/{id}/update': updateNode,
  'GET /tasks': (state, { query }) => ok(listTasks(state, query.filters)),
  'GET /networks': (state) => ok([...state.networks.values()]),
  'POST /networks/create': (state, { parsed }) => createNetwork(state, parsed as Json),
  'DELETE /networks/{id}': (state, { route }) => removeNetwork(state, route.id),
  'GET /info': () => ok({ ServerVersion: '28.5.1', Swarm: { NodeID: 'manager' } }),
  'GET /swarm': () => ok({ ID: 'swarm', Version: { Index: 10 } }),
  // The server keeps the stream.
  'GET /events': () => ok(''),
  'GET /_ping': () => ok('OK'),
}

const PATTERNS = Object.keys(ROUTES).map((endpoint) => ({
  endpoint,
  pattern: new RegExp(`^${endpoint.replace('{id}', '([^/]+)')}$`),
}))

export function routeOf(method: string, path: string): Route {
  const call = `${method} ${path}`
  for (const { endpoint, pattern } of PATTERNS) {
    const match = pattern.exec(call)
    if (match !== null) return { endpoint, id: decodeURIComponent(match[1] ?? '') }
  }
  return { endpoint: call, id: '' }
}

export const answer = (state: EngineState, call: Call): Reply =>
  ROUTES[call.route.endpoint]?.(state, call) ?? refusal(404, 'page not found')

const OUT_OF_SEQUENCE = 'rpc error: code = Unknown desc = update out of sequence'

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
  if (state.config(String(spec.Name)) !== undefined) {
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
