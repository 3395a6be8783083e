/**
 * Checks queries and bodies against their TypeBox schema and says of everything wrong: the field, its value, and what would be right.
 * Unknown fields are ignored, since monitoring tools send bodies of their own; a known name in the wrong case is not, nor any
 * field of a schema that allows no others.
 */

import { KindGuard, type TObject, type TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { FastifySchemaCompiler } from 'fastify'
import { isJsonObject } from '../foundation/stored-json.ts'
import { HttpProblem } from './problem.ts'

/** A schema may say `expects`: the end of the sentence "must be …". */
const expects = (schema: TSchema): string =>
  typeof schema.expects === 'string' ? schema.expects : (schema.description ?? 'something else')

const PLACES: Readonly<Record<string, string>> = { body: 'Body field', querystring: 'Query parameter', params: 'Path' }

export const explainingValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body' }) => {
  if (!KindGuard.IsObject(schema)) return (value: unknown) => ({ value })
  const place = PLACES[httpPart] ?? httpPart
  const problemsOf = fieldProblems(schema)
  return (value: unknown) => {
    const written = value ?? {}
    if (!isJsonObject(written)) {
      return { error: new HttpProblem('malformed', `The body must be a JSON object; it is ${shown(written)}.`) }
    }
    const problems = problemsOf(written)
    if (problems.length === 0) return { value: written }
    return { error: new HttpProblem('invalid-value', problems.map((text) => `${place} ${text}`).join(' ')) }
  }
}

const NOTHING: readonly string[] = []

/** What can be known of a schema is found once, not for each request; and nothing is made for one that is right, as nearly all are. */
function fieldProblems({ properties, required = [], additionalProperties }: TObject) {
  const fields = Object.entries(properties).map(([name, schema]) => ({
    ...{ name, schema, check: TypeCompiler.Compile(schema), isRequired: required.includes(name) },
  }))
  const known = new Map(fields.map(({ name }) => [name.toLowerCase(), name]))
  const there = fields.map(({ name }) => name).join(', ')
  const misspelt = (name: string): string | undefined => {
    const meant = known.get(name.toLowerCase())
    if (meant === name) return undefined
    if (meant !== undefined) return `${shown(name)} is not known; it is written ${meant}.`
    if (additionalProperties !== false) return undefined
    return `${shown(name)} is not known here; ${there === '' ? 'send it in the body' : `known are ${there}`}.`
  }
  return (written: Record<string, unknown>): readonly string[] => {
    let problems: string[] | undefined
    const add = (problem: string) => {
      problems ??= []
      problems.push(problem)
    }
    for (const { name, schema, check, isRequired } of fields) {
      const value = Object.hasOwn(written, name) ? written[name] : undefined
      if (value === undefined) {
        if (isRequired) add(`${name} is missing; it must be ${expects(schema)}.`)
      } else if (!check.Check(value)) add(`${name} is ${shown(value)}; it must be ${expects(schema)}.`)
    }
    for (const name of Object.keys(written)) {
      const problem = misspelt(name)
      if (problem !== undefined) add(problem)
    }
    return problems ?? NOTHING
  }
}

const SHOWN_LENGTH = 60

function shown(value: unknown): string {
  const text = asJson(value)
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text
}

/** A parsed body can be nested deeper than JSON.stringify has stack for. */
function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return 'nested too deeply'
  }
}
