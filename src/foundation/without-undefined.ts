type WithoutUndefined<Members> = { [Name in keyof Members]?: Exclude<Members[Name], undefined> }

/** The members that are there, for a spread: types here tell one that is absent from one that is `undefined`. Pure. */
export function withoutUndefined<Members extends object>(members: Members): WithoutUndefined<Members>
export function withoutUndefined(members: Readonly<Record<string, unknown>>): object {
  const there: Record<string, unknown> = {}
  // Lists of many go through here: Object.entries would cost twice as much.
  for (const name of Object.keys(members)) if (members[name] !== undefined) there[name] = members[name]
  return there
}
