/** What the fake engine holds: services and configs with versions as swarmkit keeps them, and the events they cause. */
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

export type EngineState = ReturnType<typeof createEngineState>

export function createEngineState(emit: (event: Json) => void) {
  const services = new Map<string, Json>()
  const configs = new Map<string, Json>()
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

  const put = (kind: 'service' | 'config', action: 'create' | 'update', raw: Json) => {
    const stamped = { ...raw, ...stamp() }
    ;(kind === 'service' ? services : configs).set(String(raw.ID), stamped)
    tell(kind, action, stamped)
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
    updateService,
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
    removeService(id: string) {
      const raw = must(services, id)
      services.delete(id)
      stamp()
      tell('service', 'remove', raw)
    },
    configLabels(name: string) {
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
      if (raw === undefined) return
      configs.delete(String(raw.ID))
      stamp()
      tell('config', 'remove', raw)
    },
  }
}

export function nameOf(raw: Json): string {
  return String((raw.Spec as Json).Name)
}

export function versionOf(raw: Json): string {
  return String((raw.Version as Json).Index)
}

export function newId(): string {
  return randomBytes(20).toString('hex').slice(0, 25)
}
