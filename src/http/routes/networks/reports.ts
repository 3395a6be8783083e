/** `PUT /v1/node/<id>`: an agent's report in, what is wanted of its node out. A thousand agents call it 200 times a second. */
import { type TSchema, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { FastifySchemaCompiler } from 'fastify'
import type { ProvenBy, ReportHandler } from '../../../agent/reporting.ts'
import { NodeReportSchema } from '../../../swarm/node-report.ts'
import { WantedStateSchema } from '../../../swarm/wanted.ts'
import { HttpProblem } from '../../problem.ts'
import type { Http, TypedApp } from '../../route-group.ts'
import { explainingValidator } from '../../validate.ts'
import { answers, needs } from '../schemas.ts'

/** In a scope of its own: bodies and answers are read and written in its own way. */
export function reportRoutes(
  app: TypedApp,
  agents: ReportHandler,
  { guard, provenBy }: Pick<Http, 'guard'> & { readonly provenBy: ProvenBy },
): void {
  app.setValidatorCompiler(compiledBodies)
  // Faster than any serializer by schema, and nothing that the words gain later is left out.
  app.setSerializerCompiler(() => JSON.stringify)
  app.put(
    '/v1/node/:id',
    {
      schema: {
        tags: ['network'],
        summary: 'An agent’s report in, what is wanted of its node out',
        ...needs('agent'),
        params: Type.Object({ id: Type.String({ description: 'Swarm’s id of the node.' }) }),
        body: NodeReportSchema,
        response: answers(WantedStateSchema, 'What is wanted of this node.'),
      },
      onRequest: guard('agent'),
      config: { isQuiet: true },
    },
    async ({ params: { id }, body }) => agents.report(id, body, provenBy),
  )
}

/** More of them say no more. */
const MAX_SHOWN = 5

/** The schema of the body is compiled once, and says where a body departs from it. */
const compiledBodies: FastifySchemaCompiler<TSchema> = (route) => {
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
