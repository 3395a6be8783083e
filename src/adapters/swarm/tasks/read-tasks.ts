/**
 * Takes a list of tasks apart. They are asked for each second, and ten thousand of them are 20 MB: one that has the version
 * that is known is not parsed again, and nobody else is kept waiting for the rest.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SwarmTask } from '../../../swarm/tasks.ts'
import { spansOf } from '../engine/engine-json.ts'
import { readTask } from './task-mapper.ts'

/** A task as it was read. `version` as the engine wrote it; absent: it can only be found by parsing. */
export interface ReadTask {
  readonly task: SwarmTask
  readonly version: string | undefined
}

/** The longest that reading a list keeps the process from answering anybody else. */
const SLICE_MS = 10
/** Every engine writes these two first. */
const HEAD = /^\{"ID":"([^"\\]+)","Version":\{"Index":(\d+)\}/
const HEAD_BYTES = 100

/** Those that are known with the same version are the very objects of `known`. Throws SyntaxError. */
export async function readTasks(body: Buffer, known: ReadonlyMap<string, ReadTask>): Promise<ReadTask[]> {
  const found: ReadTask[] = []
  let sliceStartedAt = performance.now()
  for (const [start, end] of spansOf(body)) {
    const [, id = '', version] = HEAD.exec(body.toString('latin1', start, Math.min(start + HEAD_BYTES, end))) ?? []
    const before = version === undefined ? undefined : known.get(id)
    if (before !== undefined && before.version === version) found.push(before)
    else {
      const task = readTask(JSON.parse(body.toString('utf8', start, end)))
      if (task !== undefined) found.push({ task, version })
    }
    if (performance.now() - sliceStartedAt < SLICE_MS) continue
    await nextTurn()
    sliceStartedAt = performance.now()
  }
  return found
}
