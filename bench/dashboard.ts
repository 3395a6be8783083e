/**
 * What open dashboards cost the controller: 1000 services of a Swarm in words, of which fifty change in each second, with
 * nobody looking and with twenty who read everything once and then each event, as a browser does for all its tabs.
 */
import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Controller, startController } from '../test/e2e/support/controller.ts'
import { eventually, policyLabels } from '../test/e2e/support/services.ts'
import { type FakeEngine, startFakeEngine } from '../test/support/fake-engine/fake-engine.ts'
import { atMost, exactly, type Figure } from './figure.ts'
import { processorSeconds, residentMb } from './processor-time.ts'

interface Options {
  readonly quick: boolean
  readonly progress: (line: string) => void
}

const [SERVICES, DASHBOARDS, CHANGES_A_SECOND] = [1000, 20, 50]
/** Events are kept for a minute after the last reader. */
const LINGER_MS = 65_000

export async function measureDashboard({ quick, progress }: Options): Promise<Figure[]> {
  const engine = await startFakeEngine()
  const ids = Array.from({ length: SERVICES }, (_, index) =>
    engine.addService({ name: `service-${index}`, replicas: 2, labels: policyLabels() }),
  )
  const socketPath = engine.host.replace('unix://', '')
  const controller = await startController({ socketPath }, { env: { LOG_LEVEL: 'info', ORRERY_SWARM_SOCKET: 'off' } })
  const windowMs = quick ? 10_000 : 30_000
  try {
    const change = changer(engine, ids)
    const share = async (changes: boolean) => {
      const timer = changes ? setInterval(change.one, 1000 / CHANGES_A_SECOND) : undefined
      await sleep(2000)
      const [before, from] = [processorSeconds(controller.pid), performance.now()]
      await sleep(windowMs)
      const percent = (100_000 * (processorSeconds(controller.pid) - before)) / (performance.now() - from)
      clearInterval(timer)
      return percent
    }
    progress('nobody looks')
    const [still, unwatched] = [await share(false), await share(true)]
    progress(`${DASHBOARDS} dashboards`)
    const dashboards = await Promise.all(Array.from({ length: DASHBOARDS }, () => openDashboard(controller)))
    const [begunAt, madeBefore] = [performance.now(), change.made()]
    const watched = await share(true)
    const seconds = (performance.now() - begunAt) / 1000
    // What was changed last is on its way.
    await sleep(2000)
    const made = change.made() - madeBefore
    const rows = dashboards.map((one) => one.rows())
    for (const one of dashboards) one.close()
    const { now } = residentMb(controller.pid)
    progress('a minute later')
    await sleep(LINGER_MS)
    const afterwards = await share(false)
    const what = `${DASHBOARDS} dashboards, ${SERVICES} services, ${CHANGES_A_SECOND} changes a second`
    const least = Math.min(...rows)
    return [
      { name: `share of one core: ${what}`, measured: percentText(watched), limit: atMost(watched, 25, ' %') },
      { name: 'share of one core: these changes, no dashboard', measured: percentText(unwatched) },
      {
        name: 'share of one core: no change, before any dashboard and a minute after the last',
        measured: `${percentText(still)} and ${percentText(afterwards)}`,
      },
      {
        name: `rows told to each of ${DASHBOARDS} dashboards`,
        measured: `${least} to ${Math.max(...rows)} in ${seconds.toFixed(0)} s, of ${made} changes`,
        limit: exactly(least >= made, 'each change'),
      },
      { name: `resident memory, ${what}`, measured: `${Math.round(now)} MB` },
    ]
  } finally {
    await controller.kill()
    await engine.close()
  }
}

const percentText = (percent: number) => `${percent.toFixed(1)} %`

/** Another count for one service after the other, again and again. */
function changer(engine: FakeEngine, ids: readonly string[]) {
  let turn = 0
  return {
    one() {
      const id = ids[turn % ids.length] ?? ''
      const Replicas = 3 + Math.floor(turn / ids.length)
      turn += 1
      engine.changeService(id, (spec) => ({ ...spec, Mode: { Replicated: { Replicas } } }))
      engine.forgetCalls()
    },
    made: () => turn,
  }
}

/** One browser: the reads of the page, then its one stream. */
async function openDashboard(controller: Controller) {
  let rows = 0
  const request = get(`${controller.url}/v1/event`, { agent: false }, (answer) => {
    answer.setEncoding('utf8').on('data', (text: string) => {
      rows += text.split('event: autoscaler\n').length - 1
    })
    answer.on('error', () => undefined)
  })
  request.on('error', () => undefined)
  await eventually('the dashboard has what it shows', async () => {
    const paths = ['/v1/controller', '/v1/autoscaler?view=summary', '/v1/decision']
    const answers = await Promise.all(paths.map((path) => controller.call('GET', path)))
    return answers.every(({ status }) => status === 200)
  })
  return { rows: () => rows, close: () => void request.destroy() }
}
