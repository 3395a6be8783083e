/** Takes a list's body apart and parses without loss only what has changed since it was last read. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { EngineError } from './engine-errors.ts'
import { integerAt, parseLossless, splitArray, textAt } from './engine-json.ts'

/** The longest that reading a list keeps the process from answering anybody else. */
const SLICE_MS = 10

/** One item of a list: newly read, or known to have the version that is cached. */
export type Changed<Item> = Item | { readonly id: string; readonly unchanged: true }

/** Throws EngineError `malformed`. */
export async function readChanged<Item>(
  body: Buffer,
  deps: {
    /** `GET /services`. */
    readonly endpoint: string
    readonly hasVersion: (id: string, version: number) => boolean
    /** `undefined`: one that does not count. */
    readonly read: (raw: unknown) => Item | undefined
  },
): Promise<Changed<Item>[]> {
  const listed: Changed<Item>[] = []
  let sliceStartedAt = performance.now()
  try {
    for (const text of splitArray(body)) {
      const glance: unknown = JSON.parse(text)
      const id = textAt(glance, 'ID') ?? ''
      const isKnown = deps.hasVersion(id, integerAt(glance, 'Version', 'Index') ?? -1)
      const one = isKnown ? { id, unchanged: true as const } : deps.read(parseLossless(text))
      if (one !== undefined) listed.push(one)
      if (performance.now() - sliceStartedAt < SLICE_MS) continue
      await nextTurn()
      sliceStartedAt = performance.now()
    }
    return listed
  } catch (cause) {
    if (cause instanceof EngineError) throw cause
    throw new EngineError('malformed', `${deps.endpoint} answered with something that is no JSON, or half of it.`, {
      cause,
    })
  }
}
