/** What Consul refused, set aside for a while: the same is not sent again before that is over, and the rest goes on. */
import type { Clock } from '../../foundation/clock.ts'
import type { EntryIssue } from '../entry.ts'

export interface Refusals {
  /** Whether this very text was refused lately; the text is made only where something was. */
  isSetAside(id: string, textNow: () => string): boolean
  setAside(id: string, text: string, issue: EntryIssue): void
  forget(id: string): void
  /** Forgets what nobody wants any more. */
  keep(isWanted: (id: string) => boolean): void
  issues(): readonly EntryIssue[]
}

export function createRefusals(now: Clock, refusedForMs: number): Refusals {
  const refused = new Map<string, { readonly text: string; readonly atMs: number; readonly issue: EntryIssue }>()
  return {
    isSetAside(id, textNow) {
      const known = refused.get(id)
      return known !== undefined && known.text === textNow() && now() - known.atMs < refusedForMs
    },
    setAside: (id, text, issue) => {
      refused.set(id, { text, atMs: now(), issue })
    },
    forget: (id) => {
      refused.delete(id)
    },
    keep(isWanted) {
      for (const id of refused.keys()) if (!isWanted(id)) refused.delete(id)
    },
    issues: () => [...refused.values()].map(({ issue }) => issue),
  }
}
