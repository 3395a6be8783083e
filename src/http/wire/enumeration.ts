/** A string schema that is exactly a union type: a value missing here does not compile. */
import { Type } from '@sinclair/typebox'

export const enumeration = <T extends string>(values: Readonly<Record<T, true>>) =>
  Type.Unsafe<T>({ type: 'string', enum: Object.keys(values) })
