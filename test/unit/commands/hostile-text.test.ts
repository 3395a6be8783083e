/** Text of agents, callers, labels and engines on the operator's screen: it is shown, and does nothing there. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { networkApply } from '../../../src/commands/network/change.ts'
import { networkPlan } from '../../../src/commands/network/plan.ts'
import type { NetworkSession } from '../../../src/commands/network/session.ts'
import { networkStatus } from '../../../src/commands/network/status.ts'
import { runProgram } from '../../../src/commands/program.ts'
import { Fault } from '../../../src/foundation/errors.ts'
import { aNetwork, aNode, anAllocation, fakeNetworks } from '../../support/builders/network-views.ts'
import { server } from '../../support/use-cases/http.ts'
import { aNetworkPlan, aPlan, aPlanRow, aResult, fakeConsole, fakeSession } from './network/fake-session.ts'

const HOSTILE = 'x\u001b[2J\u009b31m\u0007\u202e\u2066\u200b\u2028\nFORGED: all is well\r\tFORGED'
const SHOWN = 'x\\u001b[2J\\u009b31m\\u0007\\u202e\\u2066\\u200b\\u2028\\u000aFORGED: all is well\\u000d\\u0009FORGED'
const AT = '2026-01-31T12:00:00.000Z'

/** What a screen obeys or hides, but for our own line breaks. */
const OBEYED = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

function expectCalm(text: string): void {
  expect(text).not.toMatch(OBEYED)
  expect(text).not.toMatch(/^[\s│]*FORGED/m)
}

type Schema = Readonly<Record<string, unknown>> & {
  readonly type?: string
  readonly properties?: Record<string, Schema>
}

/** An answer that the schema allows, as far as types go: each field is there, and each text is hostile. */
function hostileAnswer(schema: Schema, name = ''): unknown {
  const of = (more: unknown, field = name) => hostileAnswer(more as Schema, field)
  const named = `${schema.$ref}`.split('/').at(-1) ?? ''
  if (schema.$ref !== undefined) return of(api.components.schemas[named])
  const [choice] = (schema.anyOf ?? schema.oneOf ?? []) as readonly Schema[]
  if (choice !== undefined) return of(choice)
  if (Array.isArray(schema.allOf)) return Object.assign({}, ...schema.allOf.map((part) => of(part)))
  switch (schema.type) {
    case 'object': {
      const fields = Object.entries(schema.properties ?? {}).map(([field, one]) => [field, of(one, field)])
      const rest = schema.patternProperties ?? schema.additionalProperties
      if (fields.length === 0 && typeof rest === 'object' && rest !== null)
        return { [HOSTILE]: of(schema.patternProperties ? Object.values(rest)[0] : rest) }
      return Object.fromEntries(fields)
    }
    case 'array':
      return [of(schema.items), of(schema.items)]
    case 'integer':
    case 'number':
      return 3
    case 'boolean':
      return name === 'status'
    default:
      if (`${schema.description}`.includes('RFC 3339')) return AT
      // A zone is looked up, and shown as it is.
      return name === 'tz' ? 'Europe/Berlin' : HOSTILE
  }
}

type Answering = (response: ServerResponse, schema: Schema | undefined) => void

const well: Answering = (response, schema) => response.end(JSON.stringify(hostileAnswer(schema ?? {})))
const badly: Answering = (response) => {
  response.statusCode = 409
  response.end(JSON.stringify({ code: HOSTILE, title: HOSTILE, detail: HOSTILE }))
}
const nonsense: Answering = (response) => {
  response.statusCode = 502
  response.end(HOSTILE)
}

interface Operation {
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema: Schema }> }>
}
let api = {
  paths: {} as Record<string, Record<string, Operation>>,
  components: { schemas: {} as Record<string, Schema> },
}

beforeEach(async () => {
  if (Object.keys(api.paths).length === 0) api = (await server().inject('/openapi.json')).json()
})

function schemaOf(method = '', path = ''): Schema | undefined {
  const found = Object.entries(api.paths).find(([template]) =>
    new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(path),
  )
  return found?.[1][method.toLowerCase()]?.responses['200']?.content?.['application/json']?.schema
}

/** The command in its own words, against a controller that answers so. */
async function printed(words: readonly string[], answer: Answering) {
  const asked: string[] = []
  const controller = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? ''
    asked.push(path)
    if (path === '/v1/event')
      response.end(
        `event: decision\ndata: ${JSON.stringify(told)}\n\nevent: ${HOSTILE.slice(0, 40)}\ndata: ${JSON.stringify(told)}\n\n`,
      )
    else answer(response, schemaOf(request.method, path))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void controller.close())
  await new Promise((resolve) => controller.once('listening', resolve))
  const { io, out, err } = fakeConsole()
  const env = { ORRERY_URL: `http://127.0.0.1:${(controller.address() as AddressInfo).port}` }
  const code = await runProgram(words, { ...io, env })
  expect(asked).toHaveLength(1)
  return { code, out: out(), err: err() }
}

const told = Object.fromEntries(
  ['autoscaler', 'name', 'service', 'outcome', 'code', 'reason', 'text'].map((field) => [field, HOSTILE]),
)

const COMMANDS = [
  ['ls'],
  ['ls', '--all'],
  ['registrations'],
  ['up', 'web'],
  ['down', 'web'],
  ['describe'],
  ['describe', 'web'],
  ['explain', 'web'],
  ['tasks'],
  ['tasks', 'web'],
  ['history', 'web'],
  ['schedule', 'web'],
  ['decisions'],
  ['decisions', 'web'],
  ['set', 'web', '3'],
  ['pause', 'web'],
  ['pause', '--all'],
  ['resume', 'web'],
  ['resume', '--all'],
  ['nodes'],
] as const

/** They print nothing of others, or what others said as it came; `network` is tried below. */
const OTHERS = [
  'serve',
  'daemon',
  'agent',
  'alive',
  'network',
  'completion',
  'autoscaler',
  'system',
  'events',
  'uninstall',
]

it('each command is tried here, or is known to print nothing of others', async () => {
  const { io, out } = fakeConsole()
  await runProgram(['--help'], io)
  const listed = [...(out().split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z]+)/gm)].map(([, word]) => word)
  expect(new Set([...COMMANDS.map(([word]) => word), ...OTHERS])).toEqual(new Set(listed))
})

describe.each(COMMANDS.map((words) => ({ name: words.join(' '), words })))('orrery $name', ({ words }) => {
  it('shows what is hostile in any field, line by line, and lets it do nothing', async () => {
    const { out, err } = await printed(words, well)
    expect(err).toBe('')
    expect(out.replaceAll(/\s+/g, '')).toContain(SHOWN.replaceAll(/\s+/g, ''))
    expectCalm(out)
  })

  it('gives machines the same data, in characters that a screen shows', async () => {
    const { out } = await printed([...words, '--json'], well)
    expectCalm(out)
    expect(JSON.stringify(JSON.parse(out))).toContain(JSON.stringify(HOSTILE).slice(1, -1))
  })

  it.each([badly, nonsense])('says in one line why it was refused', async (answer) => {
    const { code, err } = await printed(words, answer)
    expect(code).toBe(1)
    expect(err).toContain(SHOWN)
    expect(err.split('\n')).toHaveLength(2)
    expectCalm(err)
  })
})

it('events are a line each, with a name and words that do nothing', async () => {
  const { out } = await printed(['events'], well)
  expect(out.split('\n')).toHaveLength(3)
  expect(out).toContain(SHOWN)
  expectCalm(out)
  expectCalm((await printed(['events', '--json'], well)).out)
})

it.each([
  ['autoscaler', 'ls'],
  ['system', 'events'],
])("Orbiter's `%s %s` prints what came, and none of it is obeyed", async (...words) => {
  const { out } = await printed(words, nonsense)
  expect(out).not.toMatch(OBEYED)
})

it('a fault that ends a command makes no line that looks like one of ours', async () => {
  const { io, err } = fakeConsole()
  const out = () => {
    throw new Fault('engine-unavailable', `the engine says ${HOSTILE}`)
  }
  expect(await runProgram(['completion', 'bash'], { ...io, out })).toBe(1)
  expect(err()).toMatch(/^orrery: the engine says x\\u001b.*\n {2}FORGED/)
  expect(err()).not.toMatch(OBEYED)
})

/** Each text in it is hostile, also those of types with few words. */
function hostile<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, one) => (typeof one === 'string' ? HOSTILE : one))
}

describe('orrery network', () => {
  const problem = { network: 'vlan40', node: { id: 'node-1', hostname: 'w' }, code: 'orphaned', message: 'm' } as const
  const step = {
    do: 'wait',
    network: 'vlan40',
    text: 't',
    waitsFor: 'w',
    node: { id: 'node-1', hostname: 'w' },
  } as const
  const plan = () =>
    hostile(
      aPlan([
        aNetworkPlan({
          nodes: [aPlanRow(), aPlanRow({ nodeId: 'other', reason: 'r'.repeat(80) })],
          problems: [problem],
          steps: [step],
        }),
      ]),
    )
  const network = () =>
    hostile(
      aNetwork({
        conditions: [{ type: 'Complete', status: false, reason: 'r', sinceMs: 0 }],
        allocations: [anAllocation({ isAsWanted: false, faults: [{ code: 'link-missing', message: 'm' }] })],
        freed: [{ range: 'r', hostname: 'w', freedAtMs: 0 } as never],
        pending: ['p'],
      }),
    )
  const printedBy = async (
    run: (session: NetworkSession, io: ReturnType<typeof fakeConsole>['io']) => Promise<unknown>,
  ) => {
    const { io, out, err } = fakeConsole()
    const session = fakeSession({
      definitions: {
        files: [],
        issues: [hostile({ level: 'warning', file: 'f', field: 'd', value: 'v', message: 'm' }) as never],
      },
      catalog: () => fakeNetworks([network()], [hostile(aNode())]),
      unheard: () => ({ reason: HOSTILE, isThere: true }),
      bootstrap: {
        plan: async () => plan(),
        apply: async (_wish, tell) => {
          tell?.({ network: HOSTILE, node: HOSTILE, state: 'done', text: HOSTILE } as never)
          return { ...hostile(aResult({ reason: 'r', left: ['l'], problems: [problem] })), outcome: 'waiting' }
        },
      },
    })
    await run(session, io)
    return { out: out(), err: err() }
  }

  it.each([
    { name: 'plan', run: (session: NetworkSession, io: never) => networkPlan(session, {}, io) },
    { name: 'status', run: (session: NetworkSession, io: never) => networkStatus(session, { addresses: true }, io) },
    { name: 'apply', run: (session: NetworkSession, io: never) => networkApply(session, {}, io) },
  ])('$name shows what agents and engines say, line by line', async ({ run }) => {
    const { out, err } = await printedBy((session, io) => run(session, io as never))
    expect(out).toContain(SHOWN)
    expectCalm(out)
    expectCalm(err)
  })
})
