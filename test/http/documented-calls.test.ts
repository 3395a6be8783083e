/** Every curl of the pages, sent as it is written: its route, method, body and query are taken, and answered as shown. */
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { aNetwork, aNode, fakeNetworks } from '../support/builders/network-views.ts'
import { T0 } from '../support/use-cases/fake-use-cases.ts'
import { server } from '../support/use-cases/http.ts'
import { memoryController } from '../support/use-cases/memory-controller.ts'
import { blocksOf, markdownFiles, read } from '../unit/docs/markdown.ts'

interface Call {
  readonly line: string
  /** As the page shows it, in one line; empty: it shows none. */
  readonly answer: string
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

const PAGES = markdownFiles().filter((path) => !/^(AGENTS|test\/|docs\/(architecture|decisions\/))/.test(path))

/** Words of a shell line: quotes are taken off, and a variable is what the block has assigned to it. */
function wordsOf(line: string, variables: ReadonlyMap<string, string>): string[] {
  const words = line.replaceAll(/\$\([^)]*\)/g, 'x').matchAll(/(?:'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"])+/g)
  return [...words].map(([word]) =>
    word.replaceAll(/'([^']*)'|"((?:\\.|[^"\\])*)"|\$(\w+)/g, (_, plain, quoted, name) => {
      const value = (of: string) => variables.get(of) ?? 'x'
      return (
        plain ??
        (name === undefined ? quoted.replaceAll(/\$(\w+)/g, (_: string, of: string) => value(of)) : value(name))
      )
    }),
  )
}

const WITH_VALUE = ['-o', '-w', '--cacert']

function readCall(line: string, answer: string, variables: ReadonlyMap<string, string>): Call {
  const [, ...words] = wordsOf(line, variables)
  let [method, body, url]: (string | undefined)[] = []
  const headers: Record<string, string> = {}
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const value = () => words.shift() ?? expect.fail(`${line}: ${word} without a value`)
    if (word === '-X') method = value()
    else if (word === '-d') body = value()
    else if (word === '-H') {
      const [, name = '', text = ''] = /^([^:]+): ?(.*)$/.exec(value()) ?? []
      // What a token would be is tried elsewhere; these callers are local.
      if (name !== '' && !/^authorization$/i.test(name)) headers[name] = text.replaceAll(/[^\x20-\x7e]/g, '-')
    } else if (WITH_VALUE.includes(word)) value()
    else if (word.startsWith('http')) url = word
    else expect(word, line).toMatch(/^-(s|sN)$/)
  }
  const { pathname, search } = new URL(url ?? expect.fail(`${line} has no URL`))
  return {
    line,
    answer,
    headers,
    body,
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    url: `${pathname}${search}`,
  }
}

/** Of each block of a page, the calls in it. */
const callsOf = (page: string): Call[][] =>
  blocksOf(read(page)).flatMap(({ language, text }) => {
    if (!['', 'sh'].includes(language)) return []
    const variables = new Map<string, string>()
    const lines = text.replaceAll('\\\n', ' ').split('\n')
    const calls: Call[] = []
    for (const [at, line] of lines.entries()) {
      const typed = line.replace(/^\$ /, '')
      const [, name, value] = /^(\w+)='?([^'$]*)'?$/.exec(typed) ?? []
      if (name !== undefined) variables.set(name, value ?? '')
      if (!typed.startsWith('curl ')) continue
      const rest = lines.slice(at + 1)
      const next = rest.findIndex((one) => one.startsWith('$ ') || one.trim() === '')
      const answer = line.startsWith('$ ') ? rest.slice(0, next < 0 ? rest.length : next) : []
      calls.push(readCall(typed, answer.map((one) => one.trim()).join(''), variables))
    }
    return calls.length === 0 ? [] : [calls]
  })

/** Labels and count of the services of the Swarm that a page speaks of; of several, the first that its own YAML shows. */
function servicesOf(page: string): { name: string; labels: Record<string, string>; replicas: number }[] {
  type Stack = {
    services?: Record<string, { deploy?: { replicas?: number; labels?: Record<string, string | number> } }>
  }
  const stacks = blocksOf(read(page)).flatMap(({ language, text }) =>
    language === 'yaml' ? [parse(text) as Stack] : [],
  )
  const deploy = stacks.flatMap(({ services = {} }) => Object.values(services).flatMap((one) => one.deploy ?? []))[0]
  const labels = Object.entries(deploy?.labels ?? { 'autoscaler.enable': 'true', 'autoscaler.max': '10' })
  const own = Object.fromEntries(labels.map(([label, value]) => [label, `${value}`]))
  const replicas = page === 'README.md' ? 2 : 3
  return ['web', 'shop_web']
    .filter((name) => name === 'web' || [`"${name}"`, `/${name}/`].some((text) => read(page).includes(text)))
    .map((name) => ({ name, labels: own, replicas }))
}

const NOTIFICATION = {
  ...{ version: '4', status: 'firing', receiver: 'orrery', groupKey: 'g' },
  alerts: [
    {
      status: 'firing',
      fingerprint: '6b2',
      startsAt: '2026-01-31T11:59:00Z',
      labels: { service: 'shop_web', scale: 'up' },
    },
    {
      status: 'firing',
      fingerprint: '90f',
      startsAt: '2026-01-31T11:59:00Z',
      labels: { autoscaler: 'wbe', scale: 'up' },
    },
  ],
}

/** Each block is five minutes after the one before, each call five seconds; README tells one story, the others begin again. */
function aWorld(page: string) {
  const clock = { nowMs: T0 }
  const begin = () => {
    const { swarm, catalog, scaler, alerts } = memoryController(clock)
    for (const { name, labels, replicas } of servicesOf(page)) swarm.add({ id: `id-${name}`, name, labels, replicas })
    const networks = fakeNetworks([aNetwork({ name: 'vlan40' })], [aNode({ hostname: 'worker1' })])
    return server({ catalog, scaler, alerts, networks, now: () => clock.nowMs })
  }
  let app = begin()
  return {
    nextBlock() {
      clock.nowMs += 300_000
      if (page !== 'README.md') app = begin()
    },
    async send({ method, url, headers, body }: Call) {
      const payload = body === '@notification.json' ? JSON.stringify(NOTIFICATION) : body
      const injected = { method: method as 'GET', url, headers, ...(payload !== undefined && { payload }) }
      const answer = await app.inject(injected)
      clock.nowMs += 5_000
      return { status: answer.statusCode, text: answer.body }
    },
    async schemaOf({ method, url }: Call) {
      const api = (await app.inject('/openapi.json')).json()
      const path = url.replace(/\?.*/, '')
      const same = (pattern: string) => new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path)
      const [, methods] = Object.entries<Record<string, unknown>>(api.paths).find(([pattern]) => same(pattern)) ?? []
      return JSON.stringify(resolved(methods?.[method.toLowerCase()], api))
    },
  }
}

function resolved(schema: unknown, api: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema
  if ('$ref' in schema) {
    const path = String(schema.$ref).replace('#/', '').split('/')
    return resolved(
      path.reduce((at, key) => (at as Record<string, unknown>)[key], api),
      api,
    )
  }
  if (Array.isArray(schema)) return schema.map((one) => resolved(one, api))
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolved(value, api)]))
}

/** What is shown, as JSON: a `…` that stands for a value, or for members or items that are left out. */
function shownJson(shown: string): unknown {
  const inside: string[] = []
  const tokens = [...shown.matchAll(/"(?:\\.|[^"\\])*"|[^"]/g)].map(([token]) => token)
  const text = tokens.map((token, at) => {
    if (token === '{' || token === '[') inside.push(token)
    if (token === '}' || token === ']') inside.pop()
    if (token !== '…') return token
    return inside.at(-1) === '{' && tokens[at - 1] !== ':' ? '"…":"…"' : '"…"'
  })
  return JSON.parse(text.join(''))
}

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

/** What is shown and is not so; empty: all of it is. Members and items may be more where `…` says so, times are any. */
function falseIn(shown: unknown, actual: unknown, at = ''): string[] {
  const differs = [`${at}: ${JSON.stringify(shown)} is shown, and it is ${JSON.stringify(actual)}`]
  if (typeof shown === 'string' && typeof actual === 'string') {
    const parts = shown.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    const isSo = (TIME.test(shown) && TIME.test(actual)) || new RegExp(`^${parts.join('[^]*')}$`).test(actual)
    return isSo ? [] : differs
  }
  if (typeof shown !== 'object' || shown === null || typeof actual !== 'object' || actual === null)
    return shown === actual || shown === '…' ? [] : differs
  const members = Object.entries(shown).filter(([name, value]) => name !== '…' && value !== '…')
  const isOpen = Object.hasOwn(shown, '…') || (Array.isArray(shown) && shown.includes('…'))
  const isWhole = isOpen || Object.keys(shown).length === Object.keys(actual).length
  return [
    ...(isWhole ? [] : differs),
    ...members.flatMap(([name, value]) => falseIn(value, Reflect.get(actual, name), `${at}.${name}`)),
  ]
}

/** Long answers of a Swarm that is not this one: each member that is shown is one of the route's. */
const BY_MEMBERS = /^\/v1\/(autoscaler\/web|network\/vlan40|node\/worker1)$/

describe('the calls of the pages', () => {
  it.each(PAGES.filter((page) => callsOf(page).length > 0).map((page) => ({ page })))('of $page', async ({ page }) => {
    const world = aWorld(page)
    for (const calls of callsOf(page)) {
      for (const call of calls) {
        const { line, answer, method, url } = call
        if (url === '/v1/event') {
          // A stream without end.
          const named = ['hello', ...answer.matchAll(/event: (\w+)/g)].length
          expect([await world.schemaOf(call), named > 0], line).toEqual([
            expect.stringContaining('text/event-stream'),
            true,
          ])
          continue
        }
        const { status, text } = await world.send(call)
        const codes = /"status":(\d{3})/.exec(answer)?.[1] ?? '200'
        expect(status, `${line}\n${text}`).toBe(Number(codes))
        if (answer === '') continue
        if (method === 'GET' && BY_MEMBERS.test(url)) {
          const schema = await world.schemaOf(call)
          const members = [...answer.matchAll(/"(\w+)":/g)].map(([, member]) => member)
          expect(
            members.filter((member) => !schema.includes(`"${member}"`)),
            line,
          ).toEqual([])
        } else if (/^\d{3}$/.test(answer)) expect(`${status}`, line).toBe(answer)
        else expect(falseIn(shownJson(answer), JSON.parse(text)), line).toEqual([])
      }
      world.nextBlock()
    }
  })

  it('are found, and a wrong one is noticed', async () => {
    const all = PAGES.flatMap((page) => callsOf(page).flat())
    expect(all.length).toBeGreaterThan(20)
    const world = aWorld('docs/http-api.md')
    const sent = async (line: string) => (await world.send(readCall(line, '', new Map()))).status
    expect(await sent('curl -s -X POST http://127.0.0.1:8000/v1/autoscaler/web/upp')).toBe(404)
    expect(await sent('curl -s http://127.0.0.1:8000/v1/autoscaler/web/up')).toBe(405)
    expect(await sent(`curl -s http://127.0.0.1:8000/v1/autoscaler/web/up -d '{"By":2}'`)).toBe(400)
  })
})
