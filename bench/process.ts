/** The controller as a process: how soon it is ready, and how much memory it keeps. */
import { atMost, type Figure } from './figure.ts'
import { residentMb } from './processor-time.ts'
import type { Stage } from './stage.ts'
import { median, ms } from './statistics.ts'

const STARTS = 5
const STARTS_QUICK = 2

export async function measureStart(stage: Stage, services: number): Promise<Figure[]> {
  const { progress, quick } = stage
  progress(`starting controllers with ${services} services`)
  const readyMs: number[] = []
  const firstUpMs: number[] = []
  for (let start = 0; start < (quick ? STARTS_QUICK : STARTS); start += 1) {
    const startedAt = performance.now()
    const controller = await stage.startController()
    readyMs.push(performance.now() - startedAt)
    const { status, tookMs } = await controller.up('many-ups')
    if (status !== 200) throw new Error(`the first up after a start: ${status}`)
    firstUpMs.push(tookMs)
    await controller.stop()
  }
  return [
    { name: `start to ready, ${services} services`, measured: ms(median(readyMs)) },
    { name: `first up after it, ${services} services`, measured: ms(median(firstUpMs)) },
  ]
}

export function measureMemory({ controller }: Stage, services: number): Figure[] {
  const { now, highest } = residentMb(controller.pid)
  return [
    {
      name: `resident memory after all of this, ${services} services`,
      measured: `${Math.round(now)} MB (highest ${Math.round(highest)} MB)`,
      limit: atMost(now, 170, ' MB'),
    },
  ]
}
