/** Fields of what Consul answers: nothing is believed to be there. */

export const at = (raw: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined,
    raw,
  )

export const textAt = (raw: unknown, ...path: readonly string[]): string => {
  const value = at(raw, ...path)
  return typeof value === 'string' ? value : ''
}

export const numberAt = (raw: unknown, ...path: readonly string[]): number => {
  const value = at(raw, ...path)
  return typeof value === 'number' ? value : 0
}

export const listOf = (raw: unknown): readonly unknown[] => (Array.isArray(raw) ? raw : [])

export const textsOf = (raw: unknown): readonly string[] =>
  listOf(raw).filter((item): item is string => typeof item === 'string')

export const pairsOf = (raw: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(typeof raw === 'object' && raw !== null ? raw : {}).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    ),
  )
