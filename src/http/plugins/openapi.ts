/** The API described by itself: OpenAPI 3.1 and a page to read it. Call before any route. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isJsonObject } from '../../foundation/stored-json.ts'
import { pathOf, unknownRoute } from './errors.ts'

const DESCRIPTION =
  'Autoscaling for Docker Swarm. Every policy outcome is 200; errors are RFC 9457 problems with a stable `code`.'

/** The plugin's own policy says `upgrade-insecure-requests`, which breaks the page wherever it is not served by TLS. */
const CONTENT_SECURITY_POLICY = {
  'default-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'style-src': ["'self'", "'unsafe-inline'"],
  'object-src': ["'none'"],
  'base-uri': ["'self'"],
  'frame-ancestors': ["'self'"],
}

export interface ApiDescription {
  readonly version: string
  readonly tags: readonly { readonly name: string; readonly description: string }[]
}

export function describeApi(app: FastifyInstance, { version, tags }: ApiDescription): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Orrery', version, description: DESCRIPTION },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          basic: { type: 'http', scheme: 'basic' },
          token: { type: 'apiKey', in: 'header', name: 'X-Orrery-Token' },
        },
      },
      tags: [...tags],
    },
    refResolver: {
      buildLocalReference: ({ $id }, _uri, _fragment, n) => (typeof $id === 'string' ? $id : `schema-${n}`),
    },
    transformObject: (document) =>
      'openapiObject' in document ? withOptionalBodies(document.openapiObject) : document.swaggerObject,
  })
  app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CONTENT_SECURITY_POLICY,
    // Relative, so that the page and what it calls work below whatever path a proxy has put before them.
    indexPrefix: '.',
    transformSpecification: (document) => ({ ...document, servers: [{ url: '..' }] }),
    transformSpecificationClone: false,
    uiHooks: { onRequest: refuseRedirect },
    uiConfig: { docExpansion: 'list', deepLinking: true, validatorUrl: null },
  })
  app.register(async (scope) => {
    scope.get('/openapi.json', { schema: { tags: ['process'], summary: 'This description' } }, async () =>
      app.swagger(),
    )
  })
}

/** The one address of the plugin that would redirect. */
function refuseRedirect(request: FastifyRequest, _reply: FastifyReply, next: (error?: Error) => void): void {
  next(pathOf(request).endsWith('/static/index.html') ? unknownRoute(request) : undefined)
}

/** The plugin calls every body required; ours are only where a field of theirs is. */
function withOptionalBodies<Document extends { paths?: object }>(document: Document): Document {
  const operations = Object.values(document.paths ?? {}).flatMap((methods) => Object.values(record(methods)))
  for (const operation of operations) {
    const body = record(operation).requestBody
    if (!isJsonObject(body)) continue
    const { required } = record(record(record(body.content)['application/json']).schema)
    body.required = Array.isArray(required) && required.length > 0
  }
  return document
}

const record = (value: unknown): Record<string, unknown> => (isJsonObject(value) ? value : {})
