/** What the fake engine holds: services, configs and nodes with versions as swarmkit keeps them, and the events they cause. */
import { randomBytes } from 'node:crypto'
import { LosslessNumber } from 'lossless-json'

export type Json = Readonly<Record<string, unknown>>

export interface ServiceWish {
  readonly name: string
  /** 25 characters by default, as swarm's own. */
  readonly id?: string
  /** Of a replicated service; default 1. */
  readonly replicas?: number
  readonly labels?: Readonly<Record<string, string>>
  /** Merged over the default spec: `Mode`, `TaskTemplate`, unknown fields. */
  readonly spec?: Json
}

export interface NodeWish {
  readonly hostname: string
  readonly id?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly availability?: 'active' | 'pause' | 'drain'
  readonly role?: 'manager' | 'worker'
  readonly state?: string
  /** Merged over the raw node: `Description`, unknown fields. */
  readonly raw?: Json
}

export interface TaskWish {
  readonly id: string
  readonly serviceId: string
  readonly nodeId?: string
  readonly desiredState?: string
  readonly state?: string
  readonly networkIds?: readonly string[]
}

export type EngineState = ReturnType<typeof createEngineState>

export function createEngineState(emit: (event: Json) => void) {
  const services = new Map<string, Json>()
  const configs = new Map<string, Json>()
  const nodes = new Map<string, Json>()
  /** Raw, as the engine lists them. */
  const tasks = new Map<string, Json>()
  const networks = new Map<string, Json>()
  let index = 10
  let lastNano = BigInt(Date.now()) * 1_000_000n

  /** Version and times of a new state of an object; the event of an update carries its UpdatedAt. */
  const stamp = () => {
    index += 1
    const nano = BigInt(Date.now()) * 1_000_000n
    lastNano = nano > lastNano ? nano : lastNano + 1n
    const millis = new Date(Number(lastNano / 1_000_000n)).toISOString().slice(0, -1)
    const UpdatedAt = `${millis}${String(lastNano % 1_000_000n).padStart(6, '0')}Z`
    return { Version: { Index: index }, UpdatedAt }
  }

  const tell = (type: string, action: string, raw: Json) => {
    const timeNano = new LosslessNumber(String(lastNano))
    const time = Number(lastNano / 1_000_000_000n)
    const name = nameOf(raw)
    emit({ Type: type, Action: action, Actor: { ID: raw.ID, Attributes: { name } }, scope: 'swarm', time, timeNano })
  }

  const objects = { service: services, config: configs, node: nodes }

  const put = (kind: 'service' | 'config' | 'node', action: 'create' | 'update', raw: Json) => {
    const stamped = { ...raw, ...stamp() }
    objects[kind].set(String(raw.ID), stamped)
    tell(kind, action, stamped)
  }

  const remove = (kind: 'service' | 'config' | 'node', id: string) => {
    const raw = must(objects[kind], id)
    objects[kind].delete(id)
    stamp()
    tell(kind, 'remove', raw)
  }

  const tellNetwork = (action: string, raw: Json) => {
    emit({ Type: 'network', Action: action, Actor: { ID: raw.Id, Attributes: { name: raw.Name } }, timeNano: 1 })
  }

  const must = (objects: Map<string, Json>, id: string): Json => {
    const raw = objects.get(id)
    if (raw === undefined) throw new Error(`the fake engine has no ${id}`)
    return raw
  }

  /** As swarmkit's UpdateService: the spec of before becomes PreviousSpec, and UpdateStatus is cleared. */
  const updateService = (id: string, spec: Json) => {
    const { UpdateStatus: _cleared, ...raw } = must(services, id)
    put('service', 'update', { ...raw, PreviousSpec: raw.Spec, Spec: spec })
  }

  const configByName = (name: string) => [...configs.values()].find((config) => nameOf(config) === name)

  return {
    services,
    configs,
    nodes,
    tasks,
    networks,
    updateService,
    putNode: (raw: Json) => put('node', 'update', raw),
    remove,
    service: (id: string) => services.get(id),
    node: (id: string) => nodes.get(id),
    removeNode: (id: string) => remove('node', id),
    removeTask: (id: string) => void tasks.delete(id),
    /** Changes the raw object itself, with neither a version nor an event: for what no engine should do. */
    tamper(id: string, change: (raw: Json) => Json) {
      services.set(id, change(must(services, id)))
    },
    addNode({
      hostname,
      id = newId(),
      labels = {},
      availability = 'active',
      role = 'worker',
      state = 'ready',
      raw = {},
    }: NodeWish) {
      const Description = {
        Hostname: hostname,
        Platform: { OS: 'linux', Architecture: 'x86_64' },
        Resources: { NanoCPUs: 4_000_000_000, MemoryBytes: 8_000_000_000 },
        Engine: { EngineVersion: '28.5.1' },
      }
      const Spec = { Labels: labels, Role: role, Availability: availability }
      put('node', 'create', { ID: id, Spec, Description, Status: { State: state, Addr: '10.0.0.1' }, ...raw })
      return id
    },
    changeNode(id: string, change: (raw: Json) => Json) {
      put('node', 'update', change(must(nodes, id)))
    },
    /** No event tells of tasks. */
    putTask({ id, serviceId, nodeId = '', desiredState = 'running', state = 'running', networkIds = [] }: TaskWish) {
      const NetworksAttachments = networkIds.map((network) => ({ Network: { ID: network } }))
      const raw = { ID: id, Version: stamp().Version, ServiceID: serviceId, NodeID: nodeId, DesiredState: desiredState }
      tasks.set(id, { ...raw, Status: { State: state }, Spec: {}, NetworksAttachments })
    },
    /** Raw, as the engine lists it, over defaults; with an event. */
    putNetwork(raw: Json) {
      const stored = { Id: newId(), Scope: 'local', Driver: 'bridge', Labels: {}, Options: {}, ...raw }
      networks.set(String(stored.Id), stored)
      tellNetwork('create', stored)
      return String(stored.Id)
    },
    removeNetwork(id: string) {
      const raw = must(networks, id)
      networks.delete(id)
      tellNetwork('remove', raw)
    },
    putConfig: (action: 'create' | 'update', raw: Json) => put('config', action, raw),
    addService({ name, id = newId(), replicas = 1, labels = {}, spec = {} }: ServiceWish): string {
      const TaskTemplate = { ContainerSpec: { Image: 'busybox' }, ForceUpdate: 0, Runtime: 'container' }
      const Mode = { Replicated: { Replicas: replicas } }
      put('service', 'create', { ID: id, Spec: { Name: name, Labels: labels, TaskTemplate, Mode, ...spec } })
      return id
    },
    changeService(id: string, change: (spec: Json) => Json) {
      updateService(id, change(must(services, id).Spec as Json))
    },
    /** The count in the spec of a replicated service. */
    replicas(id: string): number | undefined {
      const spec = services.get(id)?.Spec as { Mode: { Replicated?: { Replicas: unknown } } } | undefined
      const count = spec?.Mode.Replicated?.Replicas
      return count === undefined ? undefined : Number(String(count))
    },
    version(id: string): number | undefined {
      const raw = services.get(id)
      return raw === undefined ? undefined : Number(versionOf(raw))
    },
    setUpdateStatus(id: string, state: string | undefined) {
      const { UpdateStatus: _before, ...raw } = must(services, id)
      put('service', 'update', state === undefined ? raw : { ...raw, UpdateStatus: { State: state, Message: '' } })
    },
    removeService: (id: string) => remove('service', id),
    config(name: string) {
      const raw = configByName(name)
      if (raw === undefined) return undefined
      return { id: String(raw.ID), labels: (raw.Spec as Json).Labels as Record<string, string> }
    },
    setConfig(name: string, labels: Readonly<Record<string, string>>) {
      const raw = configByName(name)
      if (raw === undefined)
        put('config', 'create', { ID: newId(), Spec: { Name: name, Labels: labels, Data: 'LQ==' } })
      else put('config', 'update', { ...raw, Spec: { ...(raw.Spec as Json), Labels: labels } })
    },
    removeConfig(name: string) {
      const raw = configByName(name)
      if (raw !== undefined) remove('config', String(raw.ID))
    },
  }
}

export function nameOf(raw: Json): string {
  return String((raw.Spec as Json).Name ?? ((raw.Description ?? {}) as Json).Hostname ?? '')
}

export function versionOf(raw: Json): string {
  return String((raw.Version as Json).Index)
}

export function newId(): string {
  return randomBytes(20).toString('hex').slice(0, 25)
}
