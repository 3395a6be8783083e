import fc from 'fast-check'
import { expect, it } from 'vitest'
import { aDecision, anAutoscaler, fakeCatalog, fakeScaler } from '../support/use-cases/fake-use-cases.ts'
import { server } from '../support/use-cases/http.ts'

const everything = fakeScaler({
  request: async () => aDecision(),
  explain: () => ({ decision: aDecision(), stages: [] }),
  pause: async () => anAutoscaler(),
  resume: async () => anAutoscaler(),
})
const app = () => server({ scaler: everything, catalog: fakeCatalog([anAutoscaler()], { decisions: () => [] }) })

const urls = ['up', 'down', 'replicas', 'pause', 'resume', 'explain'].map((verb) => `/v1/autoscaler/web/${verb}`)
const orbiter = ['/handle/autoswarm/web', '/handle/autoswarm/web/up', '/v1/orbiter/handle/autoswarm/web/down']

const DEEP = '['.repeat(200_000) + ']'.repeat(200_000)

const word = fc.constantFrom(
  'by',
  'reason',
  'direction',
  'for',
  'replicas',
  'version',
  'alerts',
  'status',
  '__proto__',
  'constructor',
)
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom('4', '1', 'up', 'firing', 'resolved', '25%', '0', -1, 1e308, 2 ** 53, Number.MIN_VALUE),
)
const likely = fc.dictionary(word, value, { noNullPrototype: true })
const body = fc.oneof(
  likely.map((object) => JSON.stringify(object)),
  fc.json(),
  fc.string({ unit: 'binary' }),
  likely.map((object) => JSON.stringify(object).slice(0, -3)),
  fc.constantFrom(
    '\uFEFF{}',
    '{"by":1e400}',
    '['.repeat(100_000),
    DEEP,
    `{"by":${DEEP}}`,
    `{"version":"4","alerts":${DEEP}}`,
    '{"direction":true',
    '\0',
  ),
)

it('1000 odd bodies never make it fail: 2xx or 4xx, and every 4xx is a problem', { timeout: 60_000 }, async () => {
  const fuzzed = app()
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...urls, ...orbiter),
      fc.constantFrom('POST' as const, 'PUT' as const),
      body,
      fc.constantFrom(undefined, 'application/json', 'text/plain', 'a/b; c="', ''),
      async (url, method, payload, type) => {
        const headers = type === undefined ? {} : { 'content-type': type }
        const answer = await fuzzed.inject({ method, url, payload, headers })
        expect(answer.statusCode, answer.body).toBeLessThan(500)
        if (answer.statusCode >= 400) {
          expect(answer.headers['content-type']).toBe('application/problem+json')
          expect(answer.json()).toMatchObject({ status: answer.statusCode, detail: expect.stringMatching(/\S/) })
        }
      },
    ),
    { numRuns: 1000 },
  )
})

it('odd paths, queries and headers never make it fail either', { timeout: 60_000 }, async () => {
  const fuzzed = app()
  const header = fc.string({ unit: fc.constantFrom(...'abc019 =%:;,/"-') })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET' as const, 'POST' as const, 'PUT' as const, 'DELETE' as const),
      fc.oneof(fc.webPath(), fc.constantFrom(...urls, '/v1/autoscaler/', '/readyz', '/handle/autoswarm/')),
      fc.oneof(fc.webQueryParameters(), fc.string({ unit: fc.constantFrom(...'by=&%[]+25') })),
      header,
      header,
      async (method, path, query, key, authorization) => {
        const url = `${path.startsWith('/') ? path : `/${path}`}?${query}`
        const answer = await fuzzed.inject({ method, url, headers: { 'idempotency-key': key, authorization } })
        expect(answer.statusCode, answer.body).toBeLessThan(500)
      },
    ),
    { numRuns: 500 },
  )
})
