/** A raw node as the engine sends it -> what the cache keeps of it, and the spec to send back. */
import type { Availability, SwarmNode } from '../../../swarm/nodes.ts'
import {
  headOf,
  integerAt,
  isObject,
  type JsonObject,
  labelsAt,
  type ObjectHead,
  textAt,
  writeLossless,
} from '../engine/engine-json.ts'

export interface NodeReading extends ObjectHead {
  readonly node: SwarmNode
}

const STATES: readonly SwarmNode['state'][] = ['unknown', 'down', 'ready', 'disconnected']
const AVAILABILITIES: readonly Availability[] = ['active', 'pause', 'drain']

/** Takes a node parsed by `parseLossless`. Throws EngineError `malformed` without id, version or spec. */
export function readNode(raw: unknown): NodeReading {
  const head = headOf(raw, 'node')
  const { id, version, spec } = head
  const address = textAt(raw, 'Status', 'Addr')
  const nanoCpus = integerAt(raw, 'Description', 'Resources', 'NanoCPUs')
  const memoryBytes = integerAt(raw, 'Description', 'Resources', 'MemoryBytes')
  return {
    id,
    version,
    spec,
    updatedAtNano: head.updatedAtNano,
    node: {
      id,
      version,
      hostname: textAt(raw, 'Description', 'Hostname') ?? '',
      role: textAt(spec, 'Role') === 'manager' ? 'manager' : 'worker',
      state: STATES.find((state) => state === textAt(raw, 'Status', 'State')) ?? 'unknown',
      availability: AVAILABILITIES.find((one) => one === textAt(spec, 'Availability')) ?? 'active',
      labels: labelsAt(spec, 'Labels'),
      ...(address === undefined || address === '' ? {} : { address }),
      ...(nanoCpus === undefined ? {} : { cpus: nanoCpus / 1e9 }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      engineVersion: textAt(raw, 'Description', 'Engine', 'EngineVersion') ?? '',
      platform: {
        os: textAt(raw, 'Description', 'Platform', 'OS') ?? '',
        architecture: textAt(raw, 'Description', 'Platform', 'Architecture') ?? '',
      },
      engineLabels: labelsAt(raw, 'Description', 'Engine', 'Labels'),
    },
  }
}

/** The spec to write: what is named is changed, everything else is as it was read. */
export function specOfNode(
  spec: JsonObject,
  change: { readonly labels?: Readonly<Record<string, string | null>>; readonly availability?: Availability },
): string {
  const known = spec.Labels
  const labels: Record<string, unknown> = Object.assign(Object.create(null), isObject(known) ? known : {})
  for (const [name, value] of Object.entries(change.labels ?? {})) {
    if (value === null) delete labels[name]
    else labels[name] = value
  }
  return writeLossless({
    ...spec,
    Labels: labels,
    ...(change.availability === undefined ? {} : { Availability: change.availability }),
  })
}
