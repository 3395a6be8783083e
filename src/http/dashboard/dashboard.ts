/** `GET /ui`: the dashboard. It shows what the API says; its data needs a role, the page itself does not. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

/** Nothing from elsewhere, no inline script, no frame; scripts only from addresses that the page's own policy made. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'", "worker-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ...["require-trusted-types-for 'script'", 'trusted-types orrery'],
].join('; ')

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

/** `folder`: what `npm run build` made of web/. Throws Error when there is no page in it. */
export function serveDashboard(app: FastifyInstance, folder: string): void {
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
  // Every address is relative to the one that was asked for, so that it works below any prefix, and nothing redirects.
  const below = page.replaceAll('%BASE%', '').replaceAll('%ROOT%', '../')
  const beside = page.replaceAll('%BASE%', 'ui/').replaceAll('%ROOT%', './')
  app.register(fastifyStatic, {
    root: folder,
    prefix: '/ui/',
    wildcard: false,
    index: false,
    preCompressed: true,
    // Names carry a hash of the content.
    immutable: true,
    maxAge: '365d',
    allowedPath: (path) => !path.endsWith('index.html'),
    setHeaders: (response, path) => {
      response.setHeader('x-content-type-options', 'nosniff')
      if (path.endsWith('.svg')) response.setHeader('cache-control', 'max-age=86400')
    },
  })
  app.get('/ui', { schema: { hide: true } }, async (request, reply) => {
    const [path = ''] = request.url.split('?')
    return reply.headers(PAGE_HEADERS).send(path.endsWith('/') ? below : beside)
  })
}
