/** What lasts is said once: entries of a list that is looked at again and again, and a failure that repeats. */
import { messageOf } from './errors.ts'

export interface OnceLog<Entry> {
  /** Says which entries are the same. */
  readonly keyOf: (entry: Entry) => string
  readonly begun: (entry: Entry) => void
  /** It is not among them any more. */
  readonly over?: (entry: Entry) => void
}

/** Takes all entries that there are now. */
export function createOnceLog<Entry>({ keyOf, begun, over }: OnceLog<Entry>): (entries: readonly Entry[]) => void {
  let known: ReadonlyMap<string, Entry> = new Map()
  return (entries) => {
    const before = known
    known = new Map(entries.map((entry) => [keyOf(entry), entry]))
    for (const [key, entry] of known) if (!before.has(key)) begun(entry)
    for (const [key, entry] of before) if (!known.has(key)) over?.(entry)
  }
}

/** `log` is called where the reason is another one than the last, or something succeeded in between. */
export function createFailureLog(log: (reason: string, error: unknown) => void) {
  let last = ''
  return {
    /** Why the last try failed; empty: it succeeded, or there was none. */
    reason: () => last,
    /** Answers the reason. */
    failed(error: unknown): string {
      const reason = messageOf(error)
      if (reason !== last) log(reason, error)
      last = reason
      return reason
    },
    succeeded() {
      last = ''
    },
  }
}
