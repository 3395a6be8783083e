import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PROBLEMS } from '../../src/http/problem.ts'
import { server } from '../support/use-cases/http.ts'

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
const api = read('http-api.md')

async function described(): Promise<string[]> {
  const app = server()
  await app.ready()
  return Object.entries(app.swagger().paths ?? {}).flatMap(([path, methods]) =>
    Object.keys(methods ?? {}).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, '<$1>')}`),
  )
}

describe('docs/http-api.md', () => {
  it('names every route that openapi.json describes, and no other', async () => {
    const named = [...api.matchAll(/`((?:GET|POST|PUT|PATCH|DELETE) \/[^`\s]*)`/g)].map((match) => match[1] ?? '')
    expect([...new Set(named)].toSorted()).toEqual((await described()).toSorted())
  })

  it('names every problem with its status', () => {
    for (const [code, { status }] of Object.entries(PROBLEMS)) {
      expect(api, code).toMatch(new RegExp(`^\\| ${status} \\| [^|]*\`${code}\``, 'm'))
    }
  })
})

it('openapi.json gives every route a summary, a tag and its answers', async () => {
  const app = server()
  await app.ready()
  for (const [path, methods] of Object.entries(app.swagger().paths ?? {})) {
    for (const [method, operation] of Object.entries(methods ?? {})) {
      const expected = {
        summary: expect.any(String),
        tags: [expect.any(String)],
        responses: { 200: expect.anything() },
      }
      expect(operation, `${method} ${path}`).toMatchObject(expected)
    }
  }
})

it('openapi.json requires a body only where a field of it is required', async () => {
  const { paths } = (await server().inject('/openapi.json')).json()
  expect(paths['/v1/autoscaler/{name}/up'].post.requestBody.required).toBe(false)
  expect(paths['/v1/autoscaler/{name}/replicas'].put.requestBody.required).toBe(true)
})

const migrations = [
  { page: 'migrating-from-orbiter.md', letter: 'O', cases: 32 },
  { page: 'migrating-from-docker-scaler.md', letter: 'S', cases: 26 },
]
it.each(migrations)('docs/$page accounts for each case from $letter 1 to $cases', ({ page, letter, cases }) => {
  const named = [...read(page).matchAll(new RegExp(`\\b${letter}(\\d+)\\b`, 'g'))].map((match) => Number(match[1]))
  expect([...new Set(named)].toSorted((a, b) => a - b)).toEqual(Array.from({ length: cases }, (_, n) => n + 1))
})

it('docs/migrating-from-docker-scaler.md says of each deviation what it was and what it is', () => {
  const [, deviations = ''] = read('migrating-from-docker-scaler.md').split('## What deviates')
  const rows = [...deviations.matchAll(/^\| (S[^|]*) \| ([^|]+) \| ([^|]+) \|/gm)]
  const named = new Set(rows.flatMap(([, cases = '']) => cases.split(', ')))
  for (const one of [1, 8, 9, 13, 14, 15, 16, 17, 24, 25, 26]) expect(named, `S${one}`).toContain(`S${one}`)
})
