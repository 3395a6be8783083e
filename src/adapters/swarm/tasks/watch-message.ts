/**
 * What swarmkit's watch says of tasks, in protobuf's wire format (api/watch.proto, api/objects.proto). Only the fields that
 * are used have a number here; all others, those of newer engines too, are skipped.
 */
import type { SwarmTask } from '../../../swarm/tasks.ts'
import { type ReadTask, taskOf } from './task-mapper.ts'

/** One change of one task, in the order of the Raft log. */
export type TaskChange = { readonly stored: ReadTask } | { readonly removed: string }

/** Every change of every task: kind "task", and the bits of create, update and remove. */
export const WATCH_REQUEST = Buffer.from([0x0a, 0x08, 0x0a, 0x04, ...Buffer.from('task'), 0x10, 0b111])

const REMOVE = 4
const STATES: ReadonlyMap<number, string> = new Map([
  ...([[0, 'new'] as const, [64, 'pending'], [192, 'assigned'], [256, 'accepted'], [320, 'preparing']] as const),
  ...([[384, 'ready'] as const, [448, 'starting'], [512, 'running'], [576, 'complete'], [640, 'shutdown']] as const),
  ...([[704, 'failed'] as const, [768, 'rejected'], [800, 'remove'], [832, 'orphaned']] as const),
])

/** Empty: the first message, or one that is about nothing that is known here. Throws RangeError for bytes cut short. */
export function readWatchMessage(bytes: Uint8Array): readonly TaskChange[] {
  const changes: TaskChange[] = []
  for (const event of read(bytes).messages(1)) {
    const { messages, number } = read(event)
    const task = messages(2).flatMap((object) => read(object).messages(4))[0]
    const change = task === undefined ? undefined : changeOf(read(task), number(1))
    if (change !== undefined) changes.push(change)
  }
  return changes
}

function changeOf({ text, number, messages, message }: Fields, action: number): TaskChange | undefined {
  const id = text(1)
  if (action === REMOVE) return { removed: id }
  const spec = message(3)
  // Plugins and containers that were started by hand are tasks too; the engine's own list leaves them out.
  if (spec.messages(1).length === 0) return undefined
  const [meta, status] = [message(2), message(9)]
  const version = meta.message(1).number(1)
  const task = taskOf({
    ...{ id, serviceId: text(4), slot: number(5), nodeId: text(6) },
    ...{ desiredState: stateOf(number(10)), state: stateOf(status.number(2)) },
    ...{ message: status.text(3), error: status.text(4), containerId: status.message(5).text(1) },
    ...{ createdAtMs: timeOf(meta.message(2)), updatedAtMs: timeOf(meta.message(3)) },
    statusAtMs: timeOf(status.message(1)),
    networkIds: [
      ...spec.messages(7).map((wanted) => read(wanted).text(1)),
      ...messages(11).map((attached) => read(attached).message(1).text(1)),
    ],
  })
  return task === undefined ? undefined : { stored: { id, version, task } }
}

/** A state that this release does not know is no reason to lose the task. */
const stateOf = (value: number): SwarmTask['state'] => STATES.get(value) ?? `state-${value}`

const timeOf = ({ number }: Fields): number => number(1) * 1000 + Math.floor(number(2) / 1_000_000)

/** The fields of one message by number; what is not there is 0, empty or no message, as in proto3. */
interface Fields {
  readonly number: (field: number) => number
  readonly text: (field: number) => string
  readonly messages: (field: number) => readonly Uint8Array[]
  readonly message: (field: number) => Fields
}

const EMPTY = new Uint8Array()
const UTF8 = new TextDecoder()
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5]

function read(bytes: Uint8Array): Fields {
  const numbers = new Map<number, number>()
  const parts = new Map<number, Uint8Array[]>()
  let at = 0
  const varint = (): number => {
    let [value, factor] = [0, 1]
    for (;;) {
      const byte = bytes[at]
      if (byte === undefined) throw new RangeError('a message of the watch is cut short')
      at += 1
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 128
    }
  }
  const skip = (length: number): Uint8Array => {
    const from = at
    at += length
    if (at > bytes.length) throw new RangeError('a message of the watch is cut short')
    return bytes.subarray(from, at)
  }
  while (at < bytes.length) {
    const key = varint()
    const [field, wire] = [Math.floor(key / 8), key % 8]
    if (wire === VARINT) numbers.set(field, varint())
    else if (wire === BYTES) {
      const part = skip(varint())
      const before = parts.get(field)
      if (before === undefined) parts.set(field, [part])
      else before.push(part)
    } else if (wire === FIXED64) skip(8)
    else if (wire === FIXED32) skip(4)
    else throw new RangeError(`a message of the watch has a field of kind ${wire}`)
  }
  const last = (field: number) => parts.get(field)?.at(-1) ?? EMPTY
  return {
    number: (field) => numbers.get(field) ?? 0,
    text: (field) => UTF8.decode(last(field)),
    messages: (field) => parts.get(field) ?? [],
    message: (field) => read(last(field)),
  }
}
