/** From a webhook to the committed write, against a bare ServiceUpdate, by turns on the same engine. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'undici'
import { eventually } from '../test/e2e/support/services.ts'
import { atMost, type Figure } from './figure.ts'
import { createService, inspectService } from './services.ts'
import type { Stage } from './stage.ts'
import { median, ms, percentile } from './statistics.ts'

const PAIRS = 200
const PAIRS_QUICK = 40
/** Between two calls: both sides' reads of the new version have ended, and nothing of one is measured in the other. */
const REST_MS = 25

export interface WriteTimes {
  readonly bareMs: readonly number[]
  readonly oursMs: readonly number[]
}

export async function measureWrites(stage: Stage, services: number): Promise<Figure[]> {
  stage.progress(`writes with ${services} services, ours and bare by turns`)
  const { bareMs, oursMs } = await takeTurns(stage, `${services}`)
  const ratio = median(oursMs) / median(bareMs)
  const spread = (values: readonly number[]) => `${ms(median(values))} (p95 ${ms(percentile(values, 95))})`
  return [
    { name: `bare ServiceUpdate, ${services} services`, measured: spread(bareMs) },
    { name: `up to its answer, ${services} services`, measured: spread(oursMs) },
    {
      name: `up / bare, ${services} services`,
      measured: `${ratio.toFixed(2)}x`,
      limit: atMost(ratio, 1.5, 'x'),
    },
  ]
}

async function takeTurns(stage: Stage, suffix: string): Promise<WriteTimes> {
  const { controller, engine, quick } = stage
  const [ours, bare] = [`write-ours-${suffix}`, `write-bare-${suffix}`]
  await createService(engine, { name: ours })
  const bareId = await createService(engine, { name: bare })
  const client = new Client(controller.url)
  const up = async (name: string) => {
    const answer = await client.request({ method: 'POST', path: `/v1/autoscaler/${name}/up` })
    const text = await answer.body.text()
    if (answer.statusCode !== 200 || !text.includes('"scaled"')) throw new Error(`up: ${answer.statusCode} ${text}`)
  }
  for (const name of [ours, bare]) {
    await eventually(`${name} is seen`, async () => (await controller.get(name)).status === 200)
    // Both specs carry the state label from here on, so they are equally long.
    await up(name)
  }
  const updateBare = async () => {
    const { Version, Spec } = await inspectService(engine, bareId)
    Spec.Mode.Replicated.Replicas += 1
    const [path, body] = [`/services/${bareId}/update?version=${Version.Index}`, JSON.stringify(Spec)]
    return await timed(async () => void (await engine.call('POST', path, body)))
  }
  const bareMs: number[] = []
  const oursMs: number[] = []
  const turns = [
    async () => oursMs.push(await timed(() => up(ours))),
    async () => bareMs.push(await updateBare()),
  ] as const
  for (let pair = 0; pair < (quick ? PAIRS_QUICK : PAIRS); pair += 1) {
    for (const turn of pair % 2 === 0 ? turns : turns.toReversed()) {
      await sleep(REST_MS)
      await turn()
    }
  }
  await client.close()
  return { bareMs, oursMs }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}
