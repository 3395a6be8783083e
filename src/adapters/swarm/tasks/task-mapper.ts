/** A raw task as the engine lists it -> what matters of it. Tasks are never written, so digits may be lost here. */
import type { SwarmTask } from '../../../swarm/tasks.ts'
import { at, integerAt, textAt } from '../engine/engine-json.ts'

/** A task as it was read. `version`: Version.Index; -1: not to be found where it belongs. */
export interface ReadTask {
  readonly id: string
  readonly version: number
  readonly task: SwarmTask
}

/** `undefined` without id or service: an attachment of a container that was started by hand has no service. */
export function readTask(raw: unknown): ReadTask | undefined {
  const id = textAt(raw, 'ID') ?? ''
  const text = (...path: readonly string[]) => textAt(raw, ...path) ?? ''
  const task = taskOf({
    id,
    serviceId: text('ServiceID'),
    slot: integerAt(raw, 'Slot') ?? 0,
    nodeId: text('NodeID'),
    desiredState: text('DesiredState'),
    state: text('Status', 'State'),
    message: text('Status', 'Message'),
    error: text('Status', 'Err'),
    containerId: text('Status', 'ContainerStatus', 'ContainerID'),
    createdAtMs: Date.parse(text('CreatedAt')),
    updatedAtMs: Date.parse(text('UpdatedAt')),
    statusAtMs: Date.parse(text('Status', 'Timestamp')),
    networkIds: networksOf(raw),
  })
  return task === undefined ? undefined : { id, version: integerAt(raw, 'Version', 'Index') ?? -1, task }
}

/** What list and watch say alike; empty texts, 0 and no number are what is not there. */
export interface TaskFacts {
  readonly id: string
  readonly serviceId: string
  readonly slot: number
  readonly nodeId: string
  readonly desiredState: string
  readonly state: string
  readonly message: string
  readonly error: string
  readonly containerId: string
  /** Ms since the epoch. */
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly statusAtMs: number
  readonly networkIds: readonly string[]
}

export function taskOf(facts: TaskFacts): SwarmTask | undefined {
  const { id, serviceId, slot, nodeId, desiredState, state, message, error, containerId } = facts
  if (id === '' || serviceId === '') return undefined
  // No spread comes first: V8 would give each of a hundred thousand a hidden class of its own, slow to make, keep and read.
  return {
    id,
    serviceId: shared(serviceId),
    ...(nodeId === '' ? {} : { nodeId: shared(nodeId) }),
    ...(slot === 0 ? {} : { slot }),
    desiredState: shared(desiredState),
    state: shared(state),
    ...(message === '' ? {} : { message: shared(message) }),
    ...(error === '' ? {} : { error: shared(error) }),
    ...(containerId === '' ? {} : { containerId }),
    ...(facts.createdAtMs > 0 && { createdAtMs: facts.createdAtMs }),
    ...(facts.updatedAtMs > 0 && { updatedAtMs: facts.updatedAtMs }),
    ...(facts.statusAtMs > 0 && { statusAtMs: facts.statusAtMs }),
    networkIds: sharedList([...new Set(facts.networkIds)].filter((network) => network !== '')),
  }
}

function networksOf(raw: unknown): readonly string[] {
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
  return [
    ...list(at(raw, 'Spec', 'Networks')).map((one) => textAt(one, 'Target') ?? ''),
    ...list(at(raw, 'NetworksAttachments')).map((one) => textAt(one, 'Network', 'ID') ?? ''),
  ]
}

const ENDED = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'])

/** Whether its container is gone or never was: it holds no address any more. */
export const hasEnded = ({ state }: Pick<SwarmTask, 'state'>): boolean => ENDED.has(state)

/** History that Swarm keeps for people; also what was wanted shut down before it began. */
export const isHistory = (task: SwarmTask): boolean => hasEnded(task) && task.desiredState === 'shutdown'

/** A hundred thousand tasks have few services, nodes and words: each is kept once. Forgotten as a whole when too many. */
const MOST_SHARED = 20_000
const texts = new Map<string, string>()
const lists = new Map<string, readonly string[]>()

function shared(text: string): string {
  const known = texts.get(text)
  if (known !== undefined) return known
  if (texts.size >= MOST_SHARED) texts.clear()
  texts.set(text, text)
  return text
}

function sharedList(list: readonly string[]): readonly string[] {
  const key = list.join()
  const known = lists.get(key)
  if (known !== undefined) return known
  if (lists.size >= MOST_SHARED) lists.clear()
  lists.set(key, list)
  return list
}
