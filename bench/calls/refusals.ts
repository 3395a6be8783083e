/** Calls that change nothing: how many of them one core of the controller answers in a second. */
import { join } from 'node:path'
import { eventually } from '../../test/e2e/support/services.ts'
import { execute } from '../../test/lab/execute.ts'
import { atLeast, exactly, type Figure } from '../figure.ts'
import { processorSeconds } from '../processor-time.ts'
import type { Stage } from '../stage.ts'
import { median, perSecond } from '../statistics.ts'
import { createService, type Wanted } from './services.ts'

const autocannon = join(import.meta.dirname, '../../node_modules/autocannon/autocannon.js')
/** Busy neighbours cost processor time too, by caches and shared cores: short rounds show how much, the best least of it. */
const ROUNDS = 6
const ROUNDS_QUICK = 2
const SECONDS = 2
const CONNECTIONS = 16

const CASES = [
  { code: 'at-max', outcome: 'unchanged', labels: { 'autoscaler.max': '1' }, first: [] },
  { code: 'cooldown', outcome: 'held', labels: { 'autoscaler.cooldown': '1h' }, first: ['up'] },
] as const

export async function measureRefusals(stage: Stage): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const one of CASES) figures.push(...(await measureRefusal(stage, one)))
  return figures
}

async function measureRefusal(
  stage: Stage,
  { code, outcome, labels, first }: (typeof CASES)[number],
): Promise<Figure[]> {
  const { controller, engine, quick, progress } = stage
  progress(`refusals: ${code}`)
  const wanted: Wanted = { name: `refused-${code}`, replicas: 1, labels }
  await createService(engine, wanted)
  await eventually(`${wanted.name} is seen`, async () => (await controller.get(wanted.name)).status === 200)
  if (first.length > 0) await controller.up(wanted.name)
  const url = `${controller.url}/v1/autoscaler/${wanted.name}/up`
  await load(url, 1)
  const decided = () => controller.metric('orrery_decisions_total', { service: wanted.name, outcome, reason: code })
  const before = await decided()
  const rounds: Round[] = []
  for (let round = 0; round < (quick ? ROUNDS_QUICK : ROUNDS); round += 1) {
    const startedAt = processorSeconds(controller.pid)
    const loaded = await load(url, SECONDS)
    rounds.push({ ...loaded, used: processorSeconds(controller.pid) - startedAt })
  }
  const answers = rounds.reduce((sum, round) => sum + round.answers, 0)
  const allRefused = rounds.every(({ others }) => others === 0) && (await decided()) - before >= answers
  const perCore = rounds.map((round) => round.answers / round.used)
  const here = rounds.map((round) => round.answers / round.seconds)
  return [
    {
      name: `refusals (${code}) per second of one core`,
      measured: `${perSecond(median(perCore))} (best ${perSecond(Math.max(...perCore))}; ${perSecond(median(here))} on this machine)`,
      limit: allRefused ? atLeast(median(perCore), 5000, '/s') : exactly(false, `every answer 200 ${outcome} ${code}`),
    },
  ]
}

interface Load {
  readonly answers: number
  /** Answers that were not 2xx, or did not come. */
  readonly others: number
  readonly seconds: number
}

/** `used`: processor seconds of the controller. */
type Round = Load & { readonly used: number }

/** From a process of its own. */
async function load(url: string, seconds: number): Promise<Load> {
  const options = ['--json', '--method=POST', `--connections=${CONNECTIONS}`, `--duration=${seconds}`]
  const { stdout } = await execute(process.execPath, [autocannon, ...options, url])
  const found = JSON.parse(stdout)
  return {
    answers: Number(found['2xx']),
    others: Number(found.non2xx) + Number(found.errors) + Number(found.timeouts),
    seconds: Number(found.duration),
  }
}
