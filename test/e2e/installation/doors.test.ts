/**
 * A tenth of what `npm run bench -- --only doors` does, where it needs no quiet machine: the controller in the stack's memory,
 * asked for all that nobody should ask for, and held by callers that mean no good.
 */
import { expect, it } from 'vitest'
import { tryDoors } from '../../../bench/doors/doors.ts'

const SEED = 20_261_126

it('10,000 odd requests write nothing without a right, and those who hold connections kill nothing', {
  timeout: 300_000,
}, async () => {
  const found = await tryDoors({
    ...{ requests: 10_000, seed: SEED, progress: () => undefined },
    attack: {
      ...{ idle: 200, slow: 100, unread: 30, eachMs: 500 },
      pipelined: { sockets: 10, requests: 1800, paths: ['/openapi.json', '/metrics', '/v1/autoscaler', '/nothing'] },
    },
  })
  const { residentMb: mb, waits } = found
  process.stdout.write(
    `doors: seed ${SEED}, ${JSON.stringify(found.statuses)}; ${mb.before.toFixed(0)} MB, ${mb.fuzzed.toFixed(0)} MB after, ${mb.highest.toFixed(0)} MB at most; a good caller waited ${waits.medianMs.toFixed(0)} ms, ${waits.longestMs.toFixed(0)} ms at most\n`,
  )
  expect(found.faults).toEqual([])
  expect(found.unlawful).toEqual([])
  expect(found.lawful).toBeGreaterThan(10)
  expect(Object.keys(found.statuses).length).toBeGreaterThan(6)
  expect(mb.fuzzed).toBeLessThan(mb.before * 1.2 + 20)
  expect([waits.failed, found.limitMet]).toEqual([0, 0])
  expect(waits.longestMs).toBeLessThan(5_000)
})
