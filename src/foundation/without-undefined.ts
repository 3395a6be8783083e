type WithoutUndefined<Members> = { [Name in keyof Members]?: Exclude<Members[Name], undefined> }

/** The members that are there, for a spread: types here tell one that is absent from one that is `undefined`. Pure. */
export function withoutUndefined<Members extends object>(members: Members): WithoutUndefined<Members>
export function withoutUndefined(members: object): object {
  const there: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(members)) if (value !== undefined) there[name] = value
  return there
}
