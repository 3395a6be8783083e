/** Alertmanager's notifications, with one alert and with many, that change nothing and that scale. */
import { Pool } from 'undici'
import { eventually } from '../../test/e2e/support/services.ts'
import { exactly, type Figure } from '../figure.ts'
import { processorSeconds } from '../processor-time.ts'
import type { Stage } from '../stage.ts'
import { median, ms, perSecond } from '../statistics.ts'
import { createService, replicasOf } from './services.ts'

const SECONDS = 5
const SECONDS_QUICK = 2
/** Before it counts: a controller that is notified has been so for days, and what it runs is compiled. */
const SECONDS_BEFORE = 2
/** Groups that are notified of at the same time. */
const CONNECTIONS = 2
const MANY = 50

const CASES = [
  { outcome: 'held', labels: { 'autoscaler.cooldown': '1h' }, first: 1 },
  { outcome: 'scaled', labels: { 'autoscaler.cooldown': '0' }, first: 0 },
] as const
type Case = (typeof CASES)[number]

export async function measureNotifications(stage: Stage): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const alerts of [1, MANY]) for (const one of CASES) figures.push(...(await measureCase(stage, one, alerts)))
  return figures
}

/**
 * Each alert is for a service of its own: the most work that a notification can ask for. Single ones go to all services
 * by turns, since the keys of one that are remembered are limited.
 */
async function measureCase(stage: Stage, { outcome, labels, first }: Case, alerts: number): Promise<Figure[]> {
  const { controller, engine, quick, progress } = stage
  progress(`notifications of ${alerts}: ${outcome}`)
  const names = Array.from({ length: MANY }, (_, index) => `told-${outcome}-${alerts}-${index}`)
  const ids = await Promise.all(names.map((name) => createService(engine, { name, labels })))
  for (const name of names) {
    await eventually(`${name} is seen`, async () => (await controller.get(name)).status === 200)
    for (let step = 0; step < first; step += 1) await controller.up(name)
  }
  let turns = 0
  const notifyFor = async (lastsSeconds: number) =>
    await notify(controller.url, {
      seconds: lastsSeconds,
      body: () => {
        const turn = turns++
        const services = alerts === MANY ? names : names.slice(turn % MANY, (turn % MANY) + alerts)
        return notification(services, outcome === 'scaled' ? turn : 0)
      },
      isRight: (results) => results.length === alerts && results.every((result) => result.outcome === outcome),
    })
  const earlier = await notifyFor(SECONDS_BEFORE)
  const before = processorSeconds(controller.pid)
  const { tookMs, late, wrong, seconds } = await notifyFor(quick ? SECONDS_QUICK : SECONDS)
  const used = processorSeconds(controller.pid) - before
  const counts = await Promise.all(ids.map((id) => replicasOf(engine, id)))
  const steps = counts.reduce((sum, count) => sum + count, 0) - first * MANY
  const most = outcome === 'scaled' ? (earlier.tookMs.length + tookMs.length) * alerts : 0
  const least = outcome === 'scaled' ? most - (earlier.late + late) * alerts : 0
  const typical = `median ${ms(median(tookMs))}, ${CONNECTIONS} at once${late > 0 ? `, ${late} told to come again` : ''}`
  return [
    {
      name: `notifications of ${alerts} alert${alerts === 1 ? '' : 's'}, ${outcome}`,
      measured: `${perSecond(tookMs.length / seconds)} (${perSecond(tookMs.length / used)} of one core, ${typical})`,
      limit: exactly(
        earlier.wrong + wrong === 0 && steps >= least && steps <= most,
        outcome === 'scaled' ? 'one step an alert' : 'no step',
      ),
    },
  ]
}

interface Result {
  readonly outcome?: string
}

async function notify(
  url: string,
  work: { seconds: number; body: () => string; isRight: (results: readonly Result[]) => boolean },
) {
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 })
  const tookMs: number[] = []
  let wrong = 0
  let late = 0
  const startedAt = performance.now()
  const sender = async () => {
    while (performance.now() - startedAt < work.seconds * 1000) {
      const sentAt = performance.now()
      const answer = await pool.request({ method: 'POST', path: '/v1/webhook/alertmanager', body: work.body() })
      const text = await answer.body.text()
      tookMs.push(performance.now() - sentAt)
      // What is not done within a second is answered 503, and goes on: a slow machine is no fault.
      if (answer.statusCode === 503) late += 1
      else if (answer.statusCode !== 200 || !work.isRight(JSON.parse(text).results)) wrong += 1
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, sender))
  const seconds = (performance.now() - startedAt) / 1000
  await pool.close()
  return { tookMs, late, wrong, seconds }
}

/**
 * As Alertmanager 0.25 sends it. A group is a service or all of them, and is told of again and again. With another
 * `beginning` its alerts have begun anew, so that the notification is no repetition.
 */
function notification(services: readonly string[], beginning: number): string {
  const commonLabels = { alertname: 'ServiceHot', scale: 'up' }
  const groupLabels = services.length === 1 ? { scale: 'up', service: services[0] } : { scale: 'up' }
  const startsAt = new Date(Date.parse('2026-01-31T12:00:00Z') + beginning * 1000).toISOString()
  return JSON.stringify({
    receiver: 'orrery',
    status: 'firing',
    alerts: services.map((service) => ({
      status: 'firing',
      labels: { ...commonLabels, service },
      annotations: { summary: `${service} has 9.5 requests in flight per replica` },
      startsAt,
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL:
        'http://prometheus:9090/graph?g0.expr=avg+by+%28service%29+%28http_requests_in_flight%29+%3E+4&g0.tab=1',
      fingerprint: Buffer.from(service).toString('hex').slice(-16).padStart(16, '0'),
    })),
    groupLabels,
    commonLabels,
    commonAnnotations: {},
    externalURL: 'http://alertmanager:9093',
    version: '4',
    groupKey: `{}/{scale=~"up|down"}:${JSON.stringify(groupLabels)}`,
    truncatedAlerts: 0,
  })
}
