/** Many callers of one service at once: nothing lost, nothing doubled, few writes. */
import type { Controller } from '../../test/e2e/support/controller.ts'
import { eventually } from '../../test/e2e/support/services.ts'
import { atMost, exactly, type Figure } from '../figure.ts'
import type { Stage } from '../stage.ts'
import { median, ms } from '../statistics.ts'
import { createService, replicasOf } from './services.ts'

const CALLS = 1000
const CALLS_EACH = 100

export async function measureManyUps(stage: Stage): Promise<Figure[]> {
  stage.progress(`${CALLS} ups at once`)
  const { controller } = stage
  const found = await callAtOnce(stage, 'many-ups', Array<Controller>(CALLS).fill(controller))
  const name = `${CALLS} ups at once on one service`
  return [
    { name, measured: `+${found.grown}`, limit: exactly(found.grown === CALLS, `+${CALLS}`) },
    { name: `${name}: writes`, measured: `${found.writes}`, limit: atMost(found.writes, 50) },
    { name: `${name}: all answered`, measured: `after ${ms(found.tookMs)} (median ${ms(found.medianMs)})` },
  ]
}

export async function measureTwoControllers(stage: Stage): Promise<Figure[]> {
  stage.progress(`two controllers, ${CALLS_EACH} ups each at once`)
  const other = await stage.startController(stage.otherManager)
  const both = Array.from({ length: CALLS_EACH }, () => [stage.controller, other]).flat()
  const found = await callAtOnce(stage, 'two-controllers', both)
  await other.stop()
  const name = `2 controllers, ${CALLS_EACH} ups each at once`
  return [
    { name, measured: `+${found.grown}`, limit: exactly(found.grown === both.length, `+${both.length}`) },
    {
      name: `${name}: all answered`,
      measured: `after ${ms(found.tookMs)}, ${found.writes} writes, ${found.conflicts} lost to the other`,
    },
  ]
}

async function callAtOnce(stage: Stage, service: string, callers: readonly Controller[]) {
  const { engine } = stage
  const id = await createService(engine, { name: service })
  const controllers = [...new Set(callers)]
  for (const one of controllers) {
    await eventually(`${service} is seen`, async () => (await one.get(service)).status === 200)
  }
  const total = async (name: string, labels = {}) =>
    (await Promise.all(controllers.map((one) => one.metric(name, labels)))).reduce((sum, value) => sum + value, 0)
  const writes = () => total('orrery_writes_total', { result: 'committed' })
  const conflicts = () => total('orrery_conflicts_total')
  const [writesBefore, conflictsBefore] = [await writes(), await conflicts()]
  const startedAt = performance.now()
  const answers = await Promise.all(callers.map((one) => one.up(service)))
  const tookMs = performance.now() - startedAt
  const failed = answers.find(({ status }) => status !== 200)
  if (failed !== undefined) throw new Error(`up: ${failed.status} ${JSON.stringify(failed.body)}`)
  return {
    grown: await replicasOf(engine, id),
    writes: (await writes()) - writesBefore,
    conflicts: (await conflicts()) - conflictsBefore,
    tookMs,
    medianMs: median(answers.map((answer) => answer.tookMs)),
  }
}
