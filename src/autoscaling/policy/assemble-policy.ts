/** From the values in force to the members of a policy that are a field each. Pure. */
import { type FieldLayer, pick } from './field-layer.ts'
import { type FieldValues, POLICY_FIELDS } from './policy-fields.ts'

/** `undefined` when a field is malformed: then there is an error issue for it. */
export const fieldValues = (layers: readonly FieldLayer[]): FieldValues | undefined => {
  const values: Record<string, unknown> = {}
  for (const { name, general, member, grammar } of POLICY_FIELDS) {
    if (member === undefined) continue
    const text = pick(layers, name, general ?? name)?.value
    values[member] = text === undefined ? undefined : grammar.parse(text)
    if (text !== undefined && values[member] === undefined) return undefined
  }
  // The type follows from the same rows.
  return values as FieldValues
}
