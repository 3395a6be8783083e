/** From a webhook to the committed write, against a bare ServiceUpdate and a pass-through, by turns on the same engine. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'undici'
import { eventually } from '../../test/e2e/support/services.ts'
import { atMost, type Figure } from '../figure.ts'
import type { Stage } from '../stage.ts'
import { median, ms, percentile } from '../statistics.ts'
import { createService, inspectService } from './services.ts'
import { followUpdates } from './update-events.ts'

const ROUNDS = 400
const ROUNDS_QUICK = 60
/** Between two calls: all sides' reads of the new version have ended, and nothing of one is measured in the other. */
const REST_MS = 25
/** Of the least that a program in between can cost. */
const LIMIT = 1.1

/** Of each call: until the engine's event says that its update is committed, and until its answer is read. */
interface Times {
  readonly committedMs: number[]
  readonly answeredMs: number[]
}

export async function measureWrites(stage: Stage, services: number): Promise<Figure[]> {
  stage.progress(`writes with ${services} services: ours, a pass-through and bare by turns`)
  const { bare, passed, ours } = await takeTurns(stage, `${services}`)
  const ratio = (one: Times, other: Times, of: keyof Times = 'committedMs') => median(one[of]) / median(other[of])
  const toPassed = ratio(ours, passed)
  const times = (value: number) => `${value.toFixed(2)}x`
  return [
    { name: `bare ServiceUpdate, ${services} services`, measured: described(bare) },
    { name: `pass-through, ${services} services`, measured: described(passed) },
    { name: `up, ${services} services`, measured: described(ours) },
    {
      name: `call to committed write, up / pass-through, ${services} services`,
      measured: `${times(toPassed)} (to its answer ${times(ratio(ours, passed, 'answeredMs'))})`,
      limit: atMost(toPassed, LIMIT, 'x'),
    },
    {
      name: `call to committed write, up / bare, ${services} services`,
      measured: `${times(ratio(ours, bare))} (the pass-through ${times(ratio(passed, bare))})`,
    },
  ]
}

const described = ({ committedMs, answeredMs }: Times): string => {
  const quarters = (values: readonly number[]) => `${ms(median(values))} (p95 ${ms(percentile(values, 95))})`
  return `committed ${quarters(committedMs)}, answered ${quarters(answeredMs)}`
}

async function takeTurns(stage: Stage, suffix: string): Promise<Readonly<Record<'bare' | 'passed' | 'ours', Times>>> {
  const { controller, engine, quick } = stage
  const names = { ours: `write-ours-${suffix}`, passed: `write-passed-${suffix}`, bare: `write-bare-${suffix}` }
  const ids = {
    ours: await createService(engine, { name: names.ours }),
    passed: await createService(engine, { name: names.passed }),
    bare: await createService(engine, { name: names.bare }),
  }
  const updates = await followUpdates(stage.manager.socketPath)
  const client = new Client(controller.url)
  const up = async (name: string) => {
    const answer = await client.request({ method: 'POST', path: `/v1/autoscaler/${name}/up` })
    const text = await answer.body.text()
    if (answer.statusCode !== 200 || !text.includes('"scaled"')) throw new Error(`up: ${answer.statusCode} ${text}`)
  }
  for (const name of Object.values(names)) {
    await eventually(`${name} is seen`, async () => (await controller.get(name)).status === 200)
    // All specs carry the state label from here on, so they are equally long.
    await up(name)
  }
  const between = await startPassThrough(stage.manager.socketPath, ids.passed)
  const times = async (id: string, { committedMs, answeredMs }: Times, call: () => Promise<unknown>) => {
    const committed = updates.next(id)
    const startedAt = performance.now()
    await call()
    answeredMs.push(performance.now() - startedAt)
    committedMs.push((await committed) - startedAt)
  }
  const ours: Times = { committedMs: [], answeredMs: [] }
  const passed: Times = { committedMs: [], answeredMs: [] }
  const bare: Times = { committedMs: [], answeredMs: [] }
  const turns = [
    () => times(ids.ours, ours, () => up(names.ours)),
    () => times(ids.passed, passed, between.call),
    async () => {
      const { Version, Spec } = await inspectService(engine, ids.bare)
      Spec.Mode.Replicated.Replicas += 1
      const [path, body] = [`/services/${ids.bare}/update?version=${Version.Index}`, JSON.stringify(Spec)]
      await times(ids.bare, bare, () => engine.call('POST', path, body))
    },
  ] as const
  for (let round = 0; round < (quick ? ROUNDS_QUICK : ROUNDS); round += 1) {
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) {
      await sleep(REST_MS)
      await turn()
    }
  }
  updates.close()
  await Promise.all([client.close(), between.close()])
  return { bare, passed, ours }
}

/** A process of its own, as ours is. */
async function startPassThrough(socketPath: string, id: string) {
  const program = spawn(process.execPath, [join(import.meta.dirname, 'pass-through.mjs'), socketPath, id], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = (await once(program.stdout, 'data')) as [Buffer]
  const client = new Client(`http://127.0.0.1:${Number(port)}`)
  return {
    async call() {
      const answer = await client.request({ method: 'POST', path: '/' })
      const text = await answer.body.text()
      if (!text.includes('"scaled"')) throw new Error(`pass-through: ${answer.statusCode} ${text}`)
    },
    async close() {
      await client.close()
      program.kill('SIGKILL')
    },
  }
}
