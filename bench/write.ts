/** From a webhook to the committed write, against a bare ServiceUpdate, by turns on the same engine. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'undici'
import { eventually } from '../test/e2e/support/services.ts'
import { atMost, type Figure } from './figure.ts'
import { createService, inspectService } from './services.ts'
import type { Stage } from './stage.ts'
import { median, ms, percentile } from './statistics.ts'
import { followUpdates } from './update-events.ts'

const PAIRS = 200
const PAIRS_QUICK = 40
/** Between two calls: both sides' reads of the new version have ended, and nothing of one is measured in the other. */
const REST_MS = 25
const LIMIT = 1.5

/** Of each call: until the engine's event says that its update is in force, and until its answer is read. */
interface Times {
  readonly committedMs: number[]
  readonly answeredMs: number[]
}

export async function measureWrites(stage: Stage, services: number): Promise<Figure[]> {
  stage.progress(`writes with ${services} services, ours and bare by turns`)
  const { bare, ours } = await takeTurns(stage, `${services}`)
  const ratioOf = (of: keyof Times) => median(ours[of]) / median(bare[of])
  const ratio = ratioOf('committedMs')
  return [
    { name: `bare ServiceUpdate, ${services} services`, measured: described(bare) },
    { name: `up, ${services} services`, measured: described(ours) },
    {
      name: `call to committed write, up / bare, ${services} services`,
      measured: `${ratio.toFixed(2)}x (to its answer ${ratioOf('answeredMs').toFixed(2)}x)`,
      limit: atMost(ratio, LIMIT, 'x'),
    },
  ]
}

const described = ({ committedMs, answeredMs }: Times): string => {
  const quarters = (values: readonly number[]) => `${ms(median(values))} (p95 ${ms(percentile(values, 95))})`
  return `committed ${quarters(committedMs)}, answered ${quarters(answeredMs)}`
}

async function takeTurns(stage: Stage, suffix: string): Promise<{ readonly bare: Times; readonly ours: Times }> {
  const { controller, engine, quick } = stage
  const names = { ours: `write-ours-${suffix}`, bare: `write-bare-${suffix}` }
  const ids = {
    ours: await createService(engine, { name: names.ours }),
    bare: await createService(engine, { name: names.bare }),
  }
  const updates = await followUpdates(stage.manager.socketPath)
  const client = new Client(controller.url)
  const up = async (name: string) => {
    const answer = await client.request({ method: 'POST', path: `/v1/autoscaler/${name}/up` })
    const text = await answer.body.text()
    if (answer.statusCode !== 200 || !text.includes('"scaled"')) throw new Error(`up: ${answer.statusCode} ${text}`)
  }
  for (const name of [names.ours, names.bare]) {
    await eventually(`${name} is seen`, async () => (await controller.get(name)).status === 200)
    // Both specs carry the state label from here on, so they are equally long.
    await up(name)
  }
  const times = async (id: string, { committedMs, answeredMs }: Times, call: () => Promise<unknown>) => {
    const committed = updates.next(id)
    const startedAt = performance.now()
    await call()
    answeredMs.push(performance.now() - startedAt)
    committedMs.push((await committed) - startedAt)
  }
  const ours: Times = { committedMs: [], answeredMs: [] }
  const bare: Times = { committedMs: [], answeredMs: [] }
  const turns = [
    () => times(ids.ours, ours, () => up(names.ours)),
    async () => {
      const { Version, Spec } = await inspectService(engine, ids.bare)
      Spec.Mode.Replicated.Replicas += 1
      const [path, body] = [`/services/${ids.bare}/update?version=${Version.Index}`, JSON.stringify(Spec)]
      await times(ids.bare, bare, () => engine.call('POST', path, body))
    },
  ] as const
  for (let pair = 0; pair < (quick ? PAIRS_QUICK : PAIRS); pair += 1) {
    for (const turn of pair % 2 === 0 ? turns : turns.toReversed()) {
      await sleep(REST_MS)
      await turn()
    }
  }
  updates.close()
  await client.close()
  return { bare, ours }
}
