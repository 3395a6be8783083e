/** Parts of route descriptions that several routes share. */
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import type { Role } from '../access/tokens.ts'

const Problem = Type.Object({
  type: Type.String({ examples: ['urn:orrery:problem:unknown-autoscaler'] }),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
})

const problems = {
  description: 'What went wrong, what would be right, and with Retry-After what a retry can fix.',
  content: { 'application/problem+json': { schema: Problem } },
}

const PROBLEMS = { '4xx': problems, '5xx': problems }

export const answers = <T extends TSchema>(schema: T, description: string) => ({
  200: { ...schema, description },
  ...PROBLEMS,
})

/** A schema with an `$id`, as a reference: it is described and compiled once. Its group adds it. */
export const named = <T extends TSchema>(schema: T) => Type.Unsafe<Static<T>>(Type.Ref(`${schema.$id}#`))

/** For answers that are no JSON. */
export const textAnswers = (contentType: string, description: string) => ({
  200: { description, content: { [contentType]: { schema: Type.String() } } },
  ...PROBLEMS,
})

/** Documentation only; the guard does the work. */
export const needs = (role: Role) => ({
  security: [{ bearer: [] }, { basic: [] }, { token: [] }],
  description: `Role: ${role}.`,
})

export const NameParams = Type.Object({ name: Type.String({ description: 'The autoscaler’s name.' }) })

/** One of a few words; anything else is told what would be right. */
export const oneOf = <const T extends string>(values: readonly T[], description: string) =>
  Type.Unsafe<T>(
    Type.String({
      enum: [...values],
      pattern: `^(${values.join('|')})$`,
      expects: values.map((v) => `"${v}"`).join(' or '),
      description,
    }),
  )

/** A yes or no in a query. */
export const FlagQuery = (description: string) => Type.Optional(oneOf(['true', 'false'], description))
export const isSet = (written: string | undefined, otherwise: boolean): boolean =>
  written === undefined ? otherwise : written === 'true'
