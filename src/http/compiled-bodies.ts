/** For routes that are called very often: the schema of the body is compiled once, and says where a body departs from it. */

import type { TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { FastifySchemaCompiler } from 'fastify'
import { HttpProblem } from './problem.ts'
import { explainingValidator } from './validate.ts'

/** More of them say no more. */
const MAX_SHOWN = 5

export const compiledBodies: FastifySchemaCompiler<TSchema> = (route) => {
  if (route.httpPart !== 'body') return explainingValidator(route)
  const check = TypeCompiler.Compile(route.schema)
  return (value: unknown) => {
    if (check.Check(value)) return { value }
    const wrong: string[] = []
    for (const { path, message } of check.Errors(value)) {
      if (wrong.push(`${path === '' ? 'The body' : `Body field ${path}`}: ${message}.`) === MAX_SHOWN) break
    }
    return { error: new HttpProblem('invalid-value', wrong.join(' ')) }
  }
}
