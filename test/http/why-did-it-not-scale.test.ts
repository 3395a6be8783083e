/**
 * docs/why-did-it-not-scale.md, followed from what an operator sees: each symptom and each code is produced, the commands of
 * its row are run as they stand there, and what the row says that they say is in what they say.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createLogger } from '../../src/adapters/logging/logger.ts'
import { createAutoscalingMetrics } from '../../src/adapters/metrics/autoscaling-metrics.ts'
import { createMetricsRegistry } from '../../src/adapters/metrics/registry.ts'
import { runProgram } from '../../src/commands/program.ts'
import { parseTokenFile } from '../../src/http/access/tokens.ts'
import type { WireDecision } from '../../src/http/wire/decision.ts'
import type { ServiceObservation } from '../../src/swarm/services.ts'
import type { SwarmTask } from '../../src/swarm/tasks.ts'
import { placement } from '../support/builders/addresses.ts'
import { alert, alertmanager } from '../support/builders/notifications.ts'
import { listening, server } from '../support/use-cases/http.ts'
import { type MemoryOptions, memoryController } from '../support/use-cases/memory-controller.ts'
import { fakeConsole } from '../unit/commands/network/fake-session.ts'
import { read, tableBelow } from '../unit/docs/markdown.ts'

const page = read('docs/why-did-it-not-scale.md')
const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
const commandsOf = (cell: string) => quoted(cell).filter((text) => text.startsWith('orrery '))

const NIGHT_MS = Date.UTC(2026, 0, 31, 3, 10)
const POLICY = { 'autoscaler.enable': 'true', 'autoscaler.min': '1', 'autoscaler.max': '9', 'autoscaler.cooldown': '0' }
const ID = 'id-shop_web'

interface Given extends Partial<Pick<ServiceObservation, 'replicas' | 'mode' | 'placement'>>, MemoryOptions {
  /** On top of a sound policy; `undefined`: no such service. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly tokens?: string
}

/** A controller that logs as it is installed, with one service. */
async function start({ labels = {}, tokens, replicas = 3, mode, placement: place, ...options }: Given = {}) {
  const clock = { nowMs: NIGHT_MS }
  const lines: string[] = []
  const logger = createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } })
  const registry = createMetricsRegistry('0.0.0-test')
  const metrics = createAutoscalingMetrics(registry, () => clock.nowMs)
  const controller = memoryController(clock, { logger, metrics, ...options })
  const service = { id: ID, name: 'shop_web', replicas, labels: { ...POLICY, ...labels } }
  controller.swarm.add({ ...service, ...(mode && { mode }), ...(place && { placement: place }) })
  const { catalog, scaler, alerts } = controller
  const requests: string[] = []
  const access = tokens === undefined ? {} : { access: { ...parseTokenFile(tokens), trustedCidrs: [] } }
  const app = server({ catalog, scaler, alerts, now: () => clock.nowMs, lines: requests, ...access })
  const { url } = await listening(app)
  const post = async (path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(`${url}/v1/${path}`, { method: 'POST', headers, ...sent })
    return { status: answer.status, body: (await answer.json()) as WireDecision }
  }
  return {
    ...controller,
    ...{ clock, post },
    step: async (direction: 'up' | 'down', headers = {}) =>
      (await post(`autoscaler/shop_web/${direction}`, undefined, headers)).body,
    notify: async (...all: readonly object[]) => (await post('webhook/alertmanager', alertmanager(all))).body,
    /** A command as a page writes it. */
    async orrery(line: string) {
      const { io, out, err } = fakeConsole()
      const code = await runProgram(line.split(' ').slice(1), { ...io, env: { ORRERY_URL: url } })
      return { code, text: out() + err() }
    },
    /** What would be in the log of the container. */
    async log() {
      // Decisions are logged in the turn after their answer.
      await new Promise(setImmediate)
      const shown = requests.filter((line) => !/^\{"level":"(trace|debug)"/.test(line))
      return [...lines, ...shown].map((line) => line.trimEnd())
    },
    scrape: () => registry.text(),
  }
}
type Scene = Awaited<ReturnType<typeof start>>

const hot = (labels: Readonly<Record<string, string>> = {}) => alert({ labels: { service: 'shop_web', ...labels } })
const NO_NODE = 'no suitable node (scheduling constraints not satisfied on 3 nodes)'
const LOAD = {
  'autoscaler.metric.queue.url': 'http://queue/depth',
  'autoscaler.metric.queue.path': 'depth',
  'autoscaler.metric.queue.target': '10',
}
const waiting: SwarmTask = {
  ...{ id: 't1', serviceId: ID, desiredState: 'running', state: 'pending', error: NO_NODE, networkIds: [] },
}
/** A queue that cannot be asked, and a task that no node takes, half a minute later. */
async function loaded() {
  const ask = async () => ({ kind: 'missing', why: 'error', detail: 'connection refused' }) as const
  const tasks = { list: () => [waiting], onChange: () => () => {}, readAtMs: () => NIGHT_MS }
  const scene = await start({ labels: LOAD, load: { sources: { urls: { ask } }, tasks } })
  scene.clock.nowMs += 31_000
  await expect.poll(() => scene.catalog.get('shop_web').load, { timeout: 10_000 }).toBeDefined()
  return scene
}

/** What the row of a symptom has in it. */
interface Row {
  readonly commands: readonly string[]
  readonly says: string
}

const SYMPTOMS: Readonly<Record<string, (row: Row) => Promise<void>>> = {
  async 'it is not in the list'({ commands: [describing = ''], says }) {
    const wrong: readonly (readonly [RegExp, (scene: Scene) => void])[] = [
      [/no autoscaler is named shop_web/, ({ swarm }) => swarm.remove(ID)],
      [/in a stack: deploy\.labels/, ({ swarm }) => swarm.change(ID, { labels: {} })],
      [/autoscaler\.enable: "yes" is not/, ({ swarm }) => swarm.change(ID, { labels: { 'autoscaler.enable': 'yes' } })],
    ]
    for (const [told, make] of wrong) {
      const scene = await start()
      make(scene)
      const { code, text } = await scene.orrery(describing)
      expect({ code, text }).toEqual({ code: 1, text: expect.stringContaining(quoted(says)[0] ?? '') })
      expect(text).toMatch(told)
    }
  },

  async 'the call answers 200 and nothing changed'({ says }) {
    const { post } = await start({ labels: { 'autoscaler.cooldown': '1m' } })
    await post('autoscaler/shop_web/up')
    const { status, body } = await post('autoscaler/shop_web/up')
    expect(status).toBe(200)
    for (const member of quoted(says)) expect(body).toHaveProperty(member)
    expect(body).toMatchObject({ from: 4, to: 4 })
  },

  async 'no call arrives at all'({ says }) {
    const scene = await start({ tokens: 'scale the-one-that-scales alertmanager\nread the-one-that-looks' })
    const up = 'autoscaler/shop_web/up'
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    await scene.post(up, undefined, bearer('the-one-that-scales'))
    await scene.post(up, undefined, bearer('the-one-that-looks'))
    await scene.post('autoscaler/shop/up', undefined, bearer('the-one-that-scales'))
    for (let time = 0; time < 12; time += 1) await scene.post(up, undefined, bearer('another'))
    const log = (await scene.log()).map((line) => JSON.parse(line))
    const caller = { name: 'alertmanager', address: '127.0.0.1' }
    expect(log).toContainEqual(expect.objectContaining({ event: 'audit', caller, status: 200 }))
    const refused = log.filter(({ event }) => event === 'request').map(({ status }) => String(status))
    for (const status of says.match(/\b4\d\d\b/g) ?? expect.fail()) expect(refused).toContain(status)
  },

  async 'alerts fire and no step comes'({ commands: [deciding = ''] }) {
    const scene = await start()
    expect((await scene.orrery(deciding)).text).toContain('No decision')
    await scene.notify(alert({ labels: { service: '' } }))
    expect((await scene.orrery(deciding)).text).toContain('No decision')
    const log = (await scene.log()).map((line) => JSON.parse(line))
    const told = log.find(({ event }) => event === 'alert-refused') ?? expect.fail()
    expect(JSON.stringify(told)).toMatch(/label/)
  },

  async 'one step, then nothing, while the alert fires on'({ commands: [describing = ''], says }) {
    const scene = await start()
    await scene.notify(hot())
    const [field = '', value = '', , other = ''] = quoted(says)
    expect(fieldIn(await scene.orrery(describing), field)).toBe(value)
    scene.swarm.change(ID, { labels: { ...POLICY, [`autoscaler.${field}`]: other } })
    await scene.notify(hot())
    expect((await scene.orrery(describing)).text).toMatch(/AlertStanding +│ yes/)
  },

  async 'measured load is high and it stays'({ commands: [describing = ''] }) {
    const { text } = await (await loaded()).orrery(describing)
    expect(text).toMatch(/LoadMeasured +│ no .*connection refused/)
    expect(text).toMatch(/Unschedulable +│ yes .*no suitable node/)
  },
}
/** Where a real engine says it. */
const ON_THE_LAB = { 'the count rises, tasks do not': 'test/e2e/installation/stack.test.ts' }

/** A value of the table of fields. */
const fieldIn = ({ text }: { readonly text: string }, field: string) =>
  new RegExp(`│ ${field} +│ ([^│]*?) +│`).exec(text)?.[1]

describe('from what you see', () => {
  const rows = tableBelow(page, 'Now').map(([symptom = '', ask = '', says = '']) => ({ symptom, ask, says }))

  it.each(rows.filter(({ symptom }) => !Object.hasOwn(ON_THE_LAB, symptom)))('$symptom', async (row) => {
    const story = SYMPTOMS[row.symptom] ?? expect.fail(`nobody has tried: ${row.symptom}`)
    await story({ commands: commandsOf(row.ask), says: row.says })
  })

  it('what is tried is what the page has, there or on a real Swarm', () => {
    const tried = [...Object.keys(SYMPTOMS), ...Object.keys(ON_THE_LAB)]
    expect(rows.map(({ symptom }) => symptom).toSorted()).toEqual(tried.toSorted())
    for (const [symptom, file] of Object.entries(ON_THE_LAB)) expect(read(file), symptom).toContain(symptom)
  })
})

/** To a decision of that code, or of that outcome. */
const CODES: Readonly<Record<string, () => Promise<{ scene: Scene; decision: Partial<WireDecision> }>>> = {
  async cooldown() {
    const scene = await start({ labels: { 'autoscaler.cooldown.up': '1m' } })
    await scene.step('up')
    const decision = await scene.step('up')
    expect(decision.retryAt).toBe('2026-01-31T03:11:00.000Z')
    return { scene, decision }
  },
  async rollout() {
    const scene = await start()
    scene.swarm.change(ID, { updateState: 'paused' })
    return { scene, decision: await scene.step('up') }
  },
  async paused() {
    const scene = await start()
    await scene.post('autoscaler/shop_web/pause', { for: '30m', reason: 'the database moves' })
    const decision = await scene.step('up')
    expect(decision.reason).toMatch(/until 2026-01-31T03:40:00Z .* by 127.0.0.1: the database moves/)
    return { scene, decision }
  },
  async maintenance() {
    const scene = await start({ replicas: 0 })
    return { scene, decision: await scene.step('up') }
  },
  async 'at-max'() {
    const scene = await start({ replicas: 9 })
    return { scene, decision: await scene.step('up') }
  },
  async 'at-min'() {
    const scene = await start({ replicas: 1 })
    return { scene, decision: await scene.step('down') }
  },
  async 'at-capacity'() {
    const ceilingOf = () => ({ ceiling: 3, reason: 'node2 has 0 of 253 addresses free' })
    const claim = () => ({ granted: Promise.resolve(true), release: () => {} })
    const scene = await start({ placement: placement(), capacity: { ceilingOf, claim } })
    const decision = await scene.step('up')
    expect(decision.reason).toContain('0 of 253')
    return { scene, decision }
  },
  async unschedulable() {
    const scene = await loaded()
    const { body } = await scene.post('autoscaler/shop_web/explain', { metrics: { queue: 900 } })
    return { scene, decision: body }
  },
  async duplicate() {
    const scene = await start()
    const first = await scene.step('up', { 'idempotency-key': 'one' })
    const decision = await scene.step('up', { 'idempotency-key': 'one' })
    expect([decision.from, decision.to]).toEqual([first.from, first.to])
    return { scene, decision }
  },
  async resolved() {
    const scene = await start()
    return { scene, decision: await resultOf(scene, { ...hot(), status: 'resolved' }) }
  },
  async 'no-data'() {
    const scene = await start()
    return { scene, decision: await resultOf(scene, hot({ alertname: 'DatasourceNoData' })) }
  },
  async 'unknown-write'() {
    const scene = await start()
    scene.swarm.failNextWrites('late')
    await scene.step('up')
    const { body } = await scene.post('autoscaler/shop_web/explain', { direction: 'up' })
    return { scene, decision: body }
  },
  async 'invalid-policy'() {
    const scene = await start({ labels: { 'autoscaler.max': 'many' } })
    const { status, body } = await scene.post('autoscaler/shop_web/up')
    expect(status).toBe(422)
    expect((await scene.orrery('orrery describe shop_web')).text).toMatch(/error in autoscaler\.max: .*many/)
    return { scene, decision: body }
  },
  async unsupported() {
    const scene = await start({ mode: 'global' })
    const { status, body } = await scene.post('autoscaler/shop_web/up')
    expect(status).toBe(409)
    return { scene, decision: body }
  },
}
async function resultOf({ notify }: Scene, one: object): Promise<Partial<WireDecision>> {
  const { results } = (await notify(one)) as unknown as { results: readonly Partial<WireDecision>[] }
  return results[0] ?? expect.fail()
}

/** What ends the hold is one of the row's commands. */
const ENDS = ['paused', 'maintenance']

describe('by code', () => {
  const rows = tableBelow(page, 'By code').flatMap(([codes = '', , look = '']) =>
    quoted(codes).map((code) => ({ code, look })),
  )

  it.each(rows)('$code', async ({ code, look }) => {
    const { scene, decision } = await (CODES[code] ?? expect.fail(`nobody has tried: ${code}`))()
    expect(decision.code ?? decision.outcome).toBe(code)
    expect(decision.reason ?? Reflect.get(decision, 'detail')).toMatch(/\w/)
    // Tasks are the engine's to tell: the test of the stack runs that command.
    const commands = commandsOf(look).filter((line) => !line.startsWith('orrery tasks'))
    for (const line of commands) expect(await scene.orrery(line), line).toMatchObject({ code: 0 })
    if (code === 'paused') expect((await scene.orrery('orrery ls')).text).toMatch(/│ ok +│[\s\S]*not paused any more/)
    if (ENDS.includes(code)) {
      expect(commands.length).toBeGreaterThan(0)
      expect(await scene.step('up')).toMatchObject({ outcome: 'scaled' })
    }
  })

  it('all that a decision may say are there', () => {
    expect(rows.map(({ code }) => code).toSorted()).toEqual(Object.keys(CODES).toSorted())
  })
})

describe('the next day', () => {
  const [command = '', shown = ''] = [
    /## The next day[\s\S]*?```sh\n([\s\S]*?)```/.exec(page)?.[1],
    /## The next day[\s\S]*?```\n(\{[\s\S]*?)```/.exec(page)?.[1],
  ]

  it('the last line before 03:10 says what held it, by the command of the page', async () => {
    const scene = await start({ replicas: 2 })
    scene.swarm.add({ id: 'other', name: 'other', labels: POLICY })
    scene.swarm.change(ID, { updateState: 'paused' })
    for (let time = 0; time < 5; time += 1) {
      await scene.step('up')
      clockOn(scene, 15_000)
    }
    await scene.scaler.request('other', { kind: 'step', direction: 'up', origin: 'call' })
    const log = (await scene.log()).join('\n')
    // The engine gives the log of a service; what the page does with it is done here.
    const docker = `timeout() { shift; "$@"; }\ndocker() { cat <<'LOG'\n${log}\nLOG\n}`
    const { stdout } = await promisify(execFile)('sh', ['-c', `${docker}\n${command}`])
    const [last = ''] = stdout.trim().split('\n').slice(-1)
    const line = JSON.parse(last)
    const told = JSON.parse(
      shown
        .replaceAll('\n', '')
        .replaceAll(/…,|,…/g, (at) => (at === '…,' ? '' : ','))
        .replaceAll(',,', ','),
    )
    for (const [name, value] of Object.entries(told)) if (name !== 'time') expect(line[name], name).toEqual(value)
    expect(stdout).not.toContain('"service":"other"')
  })

  it('and the figures that the page asks Prometheus for say it too', async () => {
    const scene = await start({ replicas: 2 })
    scene.swarm.change(ID, { updateState: 'paused' })
    await scene.step('up')
    const figures = await scene.scrape()
    const of = 'autoscaler="shop_web",service="shop_web"'
    for (const series of [
      `orrery_decisions_total{${of},outcome="held",reason="rollout"} 1`,
      `orrery_held{${of},reason="rollout"} 1`,
      `orrery_desired_raw{${of}} 3`,
      `orrery_desired{${of}} 2`,
      `orrery_max{${of}} 9`,
      `orrery_current{${of}} 2`,
    ])
      expect(figures).toContain(series)
  })
})

const clockOn = ({ clock }: Scene, ms: number) => {
  clock.nowMs += ms
}
