/** A raw service as the engine sends it -> what the cache keeps of it. */
import { createHash } from 'node:crypto'
import { mayHavePolicy } from '../../../autoscaling/policy/opt-in.ts'
import type {
  Placement,
  PreviousSpec,
  ServiceMode,
  ServiceObservation,
  TaskResources,
  UpdateState,
} from '../../../swarm/services.ts'
import { STATE_LABEL } from '../../../swarm/services.ts'
import { EngineError } from '../engine/engine-errors.ts'
import {
  at,
  integerAt,
  isObject,
  type JsonObject,
  labelsAt,
  nanoOf,
  textAt,
  writeLossless,
} from '../engine/engine-json.ts'
import { placementOf } from './service-placement.ts'

/** What one raw service says, before anything is known of when it was first seen. */
export interface ServiceReading {
  readonly id: string
  readonly version: number
  readonly seen: Omit<ServiceObservation, 'firstSeenAtMs' | 'stateSeenAtMs' | 'templateChangeSeenAtMs'>
  /** Absent: of a service in a list that has no policy in its labels. */
  readonly openSpec?: OpenSpec
  readonly templateHash: string
  /** UpdatedAt in ns since the epoch, as digits: equals `timeNano` of the event that announced this version. */
  readonly updatedAtNano: string
}

/**
 * The spec as compact JSON without loss, with two gaps: our label's value after `head`, the count after `middle`. Made when
 * a service is read, so that nobody who waits for a write waits for a spec to be parsed.
 */
export interface OpenSpec {
  readonly head: string
  readonly middle: string
}

/**
 * Takes a service parsed by `parseLossless`. `undefined` for what the engine's own list leaves out: plugin services.
 * Throws EngineError `malformed` without id or version; anything else that is odd makes the mode `unknown` at most.
 */
export function readService(raw: unknown): ServiceReading | undefined {
  const id = textAt(raw, 'ID')
  const version = integerAt(raw, 'Version', 'Index')
  if (id === undefined || version === undefined) {
    throw new EngineError('malformed', 'The engine sent a service without an id or a version.')
  }
  if (textAt(raw, 'Spec', 'TaskTemplate', 'Runtime') === 'plugin') return undefined
  const spec = at(raw, 'Spec')
  const mode = modeOf(spec)
  const updateState = updateStateOf(textAt(raw, 'UpdateStatus', 'State'))
  const placement = placementOf(spec)
  const resources = resourcesOf(spec)
  const previous = previousOf(at(raw, 'PreviousSpec'), spec)
  return {
    id,
    version,
    seen: {
      id,
      name: textAt(spec, 'Name') ?? '',
      version,
      mode,
      replicas: mode === 'replicated' ? replicasOf(spec) : 0,
      labels: labelsAt(spec, 'Labels'),
      ...(resources === undefined ? {} : { resources }),
      ...(placement === undefined ? {} : { placement }),
      ...(updateState === undefined ? {} : { updateState }),
      ...(previous === undefined ? {} : { previous }),
    },
    openSpec: openSpec(spec),
    templateHash: createHash('sha256').update(templateText(spec)).digest('base64url'),
    updatedAtNano: nanoOf(textAt(raw, 'UpdatedAt')),
  }
}

/** So many different parts are remembered at a time. */
const MOST_SHARED = 2_000

function createShared<Part>(): (part: Part) => Part {
  const known = new Map<string, Part>()
  return (part) => {
    const text = JSON.stringify(part) ?? ''
    const found = known.get(text)
    if (found !== undefined) return found
    if (known.size >= MOST_SHARED) known.clear()
    known.set(text, part)
    return part
  }
}

/**
 * Reads those of a list, parsed by JSON.parse, that have no policy in their labels, of which there may be very many: in a
 * tenth of the time, without the spec to write (it is read when it is needed), and what many have alike is there once.
 * `undefined`: it may have a policy, or does not count.
 */
export function createBystanders(): (raw: unknown) => ServiceReading | undefined {
  const labelsOf = createShared<ServiceReading['seen']['labels']>()
  const placementsOf = createShared<Placement>()
  return (raw) => {
    if (mayHavePolicy(labelsAt(raw, 'Spec', 'Labels'))) return undefined
    const reading = readService(raw)
    if (reading === undefined) return undefined
    const { seen, openSpec: _, ...kept } = reading
    return {
      ...kept,
      seen: {
        ...seen,
        labels: labelsOf(seen.labels),
        ...(seen.placement && { placement: placementsOf(seen.placement) }),
      },
    }
  }
}

/** Takes a spec parsed by `parseLossless`. */
export function openSpec(spec: unknown): OpenSpec {
  const { Labels, Mode, ...rest } = object(spec)
  const { [STATE_LABEL]: _label, ...labels } = object(Labels)
  const { Replicated, ...otherMode } = object(Mode)
  const { Replicas: _count, ...replicated } = object(Replicated)
  // `join` makes one flat text; a sum of texts would keep its parts in memory too.
  return {
    head: [openObject(rest), '"Labels":', openObject(labels), JSON.stringify(STATE_LABEL), ':'].join(''),
    middle: ['},"Mode":', openObject(otherMode), '"Replicated":', openObject(replicated), '"Replicas":'].join(''),
  }
}

/** The spec to write: another count and our label, everything else as it was read. */
export function specWithCount({ head, middle }: OpenSpec, replicas: number, stateLabel: string): string {
  return `${head}${JSON.stringify(stateLabel)}${middle}${replicas}}}}`
}

/** An object's text without its last brace: another member can follow. */
function openObject(value: JsonObject): string {
  const text = writeLossless(value)
  return text === '{}' ? '{' : `${text.slice(0, -1)},`
}

const MODES: Readonly<Record<string, ServiceMode>> = {
  Replicated: 'replicated',
  Global: 'global',
  ReplicatedJob: 'replicated-job',
  GlobalJob: 'global-job',
}

function modeOf(spec: unknown): ServiceMode {
  const modes = Object.entries(MODES).filter(([key]) => isObject(at(spec, 'Mode', key)))
  return modes.length === 1 ? (modes[0]?.[1] ?? 'unknown') : 'unknown'
}

/** Swarm reads a replicated service without a count as 1 (moby daemon/cluster/convert/service.go). */
function replicasOf(spec: unknown): number {
  if (at(spec, 'Mode', 'Replicated', 'Replicas') === undefined) return 1
  return integerAt(spec, 'Mode', 'Replicated', 'Replicas') ?? Number.MAX_SAFE_INTEGER
}

/** Swarm writes 0 where nothing is limited. */
function resourcesOf(spec: unknown): TaskResources | undefined {
  const of = (name: string) =>
    integerAt(spec, 'TaskTemplate', 'Resources', 'Limits', name) ||
    integerAt(spec, 'TaskTemplate', 'Resources', 'Reservations', name) ||
    undefined
  const [cpuNs, memoryBytes] = [of('NanoCPUs'), of('MemoryBytes')]
  if (cpuNs === undefined && memoryBytes === undefined) return undefined
  return { ...(cpuNs !== undefined && { cpuNs }), ...(memoryBytes !== undefined && { memoryBytes }) }
}

function previousOf(previous: unknown, spec: unknown): PreviousSpec | undefined {
  if (!isObject(previous)) return undefined
  return {
    replicas: modeOf(previous) === 'replicated' ? replicasOf(previous) : undefined,
    stateLabel: labelsAt(previous, 'Labels')[STATE_LABEL],
    sameTemplate: templateText(previous) === templateText(spec),
    sameButCount: withoutCount(previous) === withoutCount(spec),
  }
}

function templateText(spec: unknown): string {
  return writeLossless(at(spec, 'TaskTemplate') ?? {})
}

function withoutCount(spec: unknown): string {
  const { [STATE_LABEL]: _label, ...labels } = object(at(spec, 'Labels'))
  const mode = at(spec, 'Mode')
  const { Replicas: _count, ...replicated } = object(at(mode, 'Replicated'))
  const comparable = modeOf(spec) === 'replicated' ? { ...object(mode), Replicated: replicated } : mode
  return writeLossless({ ...object(spec), Labels: labels, Mode: comparable })
}

const UPDATE_STATES: readonly UpdateState[] = [
  'updating',
  'paused',
  'completed',
  'rollback_started',
  'rollback_paused',
  'rollback_completed',
]

function updateStateOf(text: string | undefined): UpdateState | undefined {
  return UPDATE_STATES.find((state) => state === text)
}

function object(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}
