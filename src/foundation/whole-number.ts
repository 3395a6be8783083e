/** Whole numbers as policies write them. Pure. */

/** Larger than any Swarm; keeps every product of a count and a percentage exact. */
export const MAX_WHOLE_NUMBER = 1_000_000_000

/** Decimal digits and nothing else (no sign, space, point or exponent), 0 to 1e9; `undefined`: anything else. */
export const parseWholeNumber = (text: string): number | undefined => {
  if (!/^[0-9]+$/.test(text)) return undefined
  const value = Number(text)
  return value <= MAX_WHOLE_NUMBER ? value : undefined
}
