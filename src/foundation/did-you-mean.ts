/** The known word that somebody who wrote another most likely meant. Pure. */

/** Longer words are no typing errors of ours, and comparing them costs time. */
const MAX_LENGTH = 80

/** Edits that turn `a` into `b`: insert, delete, replace, or swap two neighbours (optimal string alignment). */
export const editDistance = (a: string, b: string): number => {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}

/** `maximum` means `max`, and a cut-off `cooldow` means `cooldown`. */
const abbreviates = (a: string, b: string): boolean =>
  Math.min(a.length, b.length) >= 3 && (a.startsWith(b) || b.startsWith(a))

/** The nearest of `known` if it is near enough to be what was meant; case is ignored. Ties go to the first. */
export const didYouMean = (written: string, known: Iterable<string>): string | undefined => {
  if (written.length > MAX_LENGTH) return undefined
  const wanted = written.toLowerCase()
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const word = candidate.toLowerCase()
    const distance = editDistance(wanted, word)
    const isNear = distance <= Math.max(1, Math.floor(wanted.length / 3)) || abbreviates(wanted, word)
    if (isNear && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
