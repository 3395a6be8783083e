/** The list of all autoscalers, which every look at the controller begins with. */
import { Client } from 'undici'
import { atMost, type Figure } from '../figure.ts'
import type { Stage } from '../stage.ts'
import { median, ms, percentile } from '../statistics.ts'

const TIMES = 50
const TIMES_QUICK = 15

export async function measureList(stage: Stage, services: number): Promise<Figure[]> {
  const { controller, progress, quick } = stage
  progress(`GET /v1/autoscaler with ${services} services`)
  const client = new Client(controller.url)
  const tookMs: number[] = []
  let bytes = 0
  for (let time = 0; time < (quick ? TIMES_QUICK : TIMES); time += 1) {
    const startedAt = performance.now()
    const answer = await client.request({ method: 'GET', path: '/v1/autoscaler' })
    bytes = (await answer.body.arrayBuffer()).byteLength
    tookMs.push(performance.now() - startedAt)
  }
  await client.close()
  const typical = median(tookMs)
  return [
    {
      name: `GET /v1/autoscaler, ${services} services`,
      measured: `${ms(typical)} (p95 ${ms(percentile(tookMs, 95))}, ${Math.round(bytes / 1024)} KB)`,
      limit: atMost(typical, 100, ' ms'),
    },
  ]
}
