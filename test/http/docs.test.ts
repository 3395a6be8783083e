import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../../src/commands/program.ts'
import { PROBLEMS } from '../../src/http/problem.ts'
import { server } from '../support/use-cases/http.ts'
import { fakeConsole } from '../unit/commands/network/fake-session.ts'
import { markdownFiles, root, tableBelow } from '../unit/docs/markdown.ts'

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

describe('the calls that other pages name', () => {
  const pages = markdownFiles().filter(
    (path) => !/^(AGENTS|test\/|docs\/(architecture|http-api|decisions\/))/.test(path),
  )

  it.each(pages.map((page) => ({ page })))('of $page are routes, or the engine’s own', async ({ page }) => {
    const text = readFileSync(join(root, page), 'utf8')
    const named = [...text.matchAll(/`((?:GET|POST|PUT|DELETE) \/[^`\s?]*)/g)].map(([, call = '']) => call)
    const ofEngine = namedPaths(readFileSync(join(root, 'docs/operations.md'), 'utf8'))
    const patterns = [...(await described()), ...OPEN].map(
      (route) => new RegExp(`^${route.replaceAll(/<\w+>/g, '[^/]+')}$`),
    )
    expect(
      named.filter(
        (call) =>
          !ofEngine.has((call.split(' ')[1] ?? '').replace('<id>', '{id}')) && !patterns.some((one) => one.test(call)),
      ),
    ).toEqual([])
  })
})

/** Pages of their own, which openapi.json does not describe, and a call whose answer is 405 (S20). */
const OPEN = ['GET /docs', 'GET /ui', 'GET /openapi.json', 'GET /v1/scale-service']
const namedPaths = (operations: string) =>
  new Set([...operations.matchAll(/^\| `[A-Z]+` \| `([^`]+)`/gm)].map(([, path]) => path))

describe('the table of docs/http-api.md that goes from the dashboard to calls and commands', () => {
  const rows = tableBelow(api, 'The dashboard, calls and commands').map(([what = '', call = '', command = '']) => ({
    ...{ what, call, command },
  }))
  const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
  const callsOf = (cell: string) => quoted(cell).filter((text) => /^[A-Z]+ /.test(text))

  it.each(rows)('$what: $call, $command', async ({ call, command }) => {
    const routes = await described()
    expect(callsOf(call).length).toBeGreaterThan(0)
    for (const one of callsOf(call)) expect(routes).toContain(one)
    expect(quoted(command).length).toBeGreaterThan(0)
    for (const line of quoted(command)) {
      const [program, ...words] = line.split(' ')
      const { io, out, err } = fakeConsole()
      // Whatever is no option, value or name of somebody's is a word of ours; unknown ones are refused before any help.
      const code = await runProgram([...words, '--help'], io)
      expect({ program, code, err: err() }).toEqual({ program: 'orrery', code: 0, err: '' })
      for (const option of words.filter((word) => word.startsWith('--'))) expect(out(), line).toContain(option)
    }
  })

  it('has every call that the dashboard makes', () => {
    const called = sources(join(root, 'web')).flatMap((text) =>
      [...text.matchAll(/['"`](?:\$\{root\})?(v1\/[^'"`?]*)/g)].map(([, path = '']) => `/${path}`),
    )
    const named = new Set(rows.flatMap(({ call }) => callsOf(call).map((one) => one.split(' ')[1])))
    const paths = [...new Set(called)].map((path) =>
      path.replaceAll(/\$\{encodeURIComponent\(name\)\}/g, '<name>').replace(/\/\$\{verb\}$/, '/up'),
    )
    expect(paths.length).toBeGreaterThan(10)
    expect(paths.filter((path) => !named.has(path))).toEqual([])
  })
})

const sources = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.tsx?$/.test(entry.name) ? [readFileSync(path, 'utf8')] : []
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
