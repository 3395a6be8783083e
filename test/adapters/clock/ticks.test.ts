import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createTicks } from '../../../src/adapters/clock/ticks.ts'

it('ticks come at once and then at the beginning of each second of the wall clock, until they are ended', async () => {
  const times: number[] = []
  const end = createTicks().each(() => void times.push(Date.now()))
  await sleep(3_400)
  end()
  const counted = times.length
  const [first = 0, ...others] = times
  expect(others.length).toBeGreaterThanOrEqual(3)
  // Of a busy machine one may come late; ticks that have nothing to do with the clock would come anywhere.
  const early = others.filter((ms) => ms % 1000 < 500)
  expect(early.length).toBeGreaterThanOrEqual(others.length - 1)
  expect(first).toBeLessThan(others[0] ?? 0)
  await sleep(1_500)
  expect(times.length).toBe(counted)
})
