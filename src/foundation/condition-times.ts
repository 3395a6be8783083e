/** Remembers since when each condition of each subject has been what it is, as far as anybody looked. */

/** `sinceMs` is ms since the epoch, by `now`. `forget` and `keepOnly` let go of subjects that are gone. */
export function createConditionTimes<Type extends string>(now: () => number) {
  const seen = new Map<string, Map<Type, { readonly status: boolean; readonly sinceMs: number }>>()
  const sinceMs = (subject: string, { type, status }: { readonly type: Type; readonly status: boolean }): number => {
    const ofSubject = seen.get(subject) ?? new Map()
    seen.set(subject, ofSubject)
    const known = ofSubject.get(type)
    if (known?.status === status) return known.sinceMs
    const since = now()
    ofSubject.set(type, { status, sinceMs: since })
    return since
  }
  const keepOnly = (subjects: readonly string[]) => {
    for (const subject of seen.keys()) if (!subjects.includes(subject)) seen.delete(subject)
  }
  return Object.assign(sinceMs, { forget: (subject: string) => seen.delete(subject), keepOnly })
}
