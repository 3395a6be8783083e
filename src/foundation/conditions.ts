/** What is well and what is not, each with its reason; and since when, as far as anybody looked. */

/** A named yes/no with reason and time. Each capability lists its types where its views are. */
export interface Condition<Type extends string = string> {
  readonly type: Type
  readonly status: boolean
  readonly reason: string
  /** Since when the status is what it is, as far as this controller saw. Ms since the epoch. */
  readonly sinceMs: number
}

/** As it is found now. `sinceMs` where what makes it so says since when. */
export type Finding<Type extends string = string> = Omit<Condition<Type>, 'sinceMs'> & { readonly sinceMs?: number }

/** Adds to what is found of a subject since when it is so, by `now`. `forget` and `keepOnly` let go of subjects that are gone. */
export function createConditionTimes<Type extends string>(now: () => number) {
  const seen = new Map<string, Map<Type, { readonly status: boolean; readonly sinceMs: number }>>()
  const sinceMs = (subject: string, { type, status, sinceMs: said }: Finding<Type>): number => {
    const ofSubject = seen.get(subject) ?? new Map()
    seen.set(subject, ofSubject)
    const known = ofSubject.get(type)
    if (said === undefined && known?.status === status) return known.sinceMs
    const since = said ?? now()
    ofSubject.set(type, { status, sinceMs: since })
    return since
  }
  const timed = (subject: string, findings: readonly Finding<Type>[]): Condition<Type>[] =>
    findings.map((found) => ({ sinceMs: sinceMs(subject, found), ...found }))
  const keepOnly = (subjects: readonly string[]) => {
    for (const subject of seen.keys()) if (!subjects.includes(subject)) seen.delete(subject)
  }
  return Object.assign(timed, { forget: (subject: string) => seen.delete(subject), keepOnly })
}
