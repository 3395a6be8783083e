/** Parts that several shapes on the wire share: times, words, numbers that may be unknown, conditions. */
import { type TSchema, Type } from '@sinclair/typebox'
import type { Condition } from '../../foundation/conditions.ts'

export const Time = Type.String({ description: 'RFC 3339, UTC.', examples: ['2026-01-31T12:00:00.000Z'] })
export const OptionalText = Type.Optional(Type.String())

/** A string schema that is exactly a union type: a value missing here does not compile. */
export const enumeration = <T extends string>(values: Readonly<Record<T, true>>) =>
  Type.Unsafe<T>({ type: 'string', enum: Object.keys(values) })

/** Not Type.Union: the serializer would try one after the other. */
export const integerOrNull = (description: string) =>
  Type.Unsafe<number | null>({ type: ['integer', 'null'], description })

/** `type`: the schema of its types. */
export const conditionOf = <Types extends TSchema>(type: Types) =>
  Type.Object({ type, status: Type.Boolean(), reason: Type.String(), since: Time })

/** Field by field: a list of 500 autoscalers has 5000 of them, and spreading costs several times as much. */
export const wireCondition = <T extends string>({ type, status, reason, sinceMs }: Condition<T>) => ({
  type,
  status,
  reason,
  since: rfc3339(sinceMs),
})

/** The last moment a Date can hold; beyond it toISOString throws. */
const MAX_TIME_MS = 8.64e15

/** The text of the time asked for last: the conditions of a long list mostly began at the same moments. */
const last = { timeMs: Number.NaN, text: '' }

/** Ms since the epoch, as `2026-01-31T12:00:00.000Z`. */
export function rfc3339(timeMs: number): string {
  if (timeMs === last.timeMs) return last.text
  last.text = new Date(Math.min(MAX_TIME_MS, Math.max(-MAX_TIME_MS, Math.trunc(timeMs)))).toISOString()
  last.timeMs = timeMs
  return last.text
}

/** The same of one that may be absent. */
export const optionalTime = (timeMs: number | undefined): string | undefined =>
  timeMs === undefined ? undefined : rfc3339(timeMs)
