/** What the log says of decisions: enough to answer tomorrow why nothing was scaled at 03:10, and no more. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../../src/autoscaling/decision/decision.ts'
import { createDecisionLog, createDecisionPublisher } from '../../../../src/autoscaling/feed/decision-log.ts'

const T0 = Date.UTC(2026, 0, 31, 3)
const decision = (seconds: number, change: Partial<Decision> = {}): Decision => ({
  ...{
    autoscaler: 'web',
    service: 'shop_web',
    outcome: 'held',
    code: 'rollout',
    from: 2,
    to: 2,
    wanted: 3,
    limits: [],
  },
  ...{ reason: 'an update is paused, and any write would resume it', atMs: T0 + seconds * 1000 },
  ...change,
})

async function lines(decisions: readonly (readonly [serviceId: string, Decision])[], log = createDecisionLog()) {
  const said: string[] = []
  const info = (fields: { readonly more?: number; readonly atMs?: number }, message: string) =>
    void said.push(
      `${((fields.atMs ?? 0) - T0) / 1000} ${message}${fields.more === undefined ? '' : ` (${fields.more} more)`}`,
    )
  const debug = () => {}
  const logger = { debug, info: info as () => void, warn: debug, error: debug }
  const tell = createDecisionPublisher({ log, logger, listener: { decided: debug, wrote: debug, observed: debug } })
  for (const [serviceId, one] of decisions) tell(serviceId, one, 1)
  await nextTurn()
  return said
}

describe('a refusal', () => {
  it('is told when it begins and once a minute while it lasts, with how many came in between', async () => {
    const every15s = Array.from({ length: 10 }, (_, index) => ['s', decision(index * 15)] as const)
    expect(await lines(every15s)).toEqual([
      '0 shop_web: rollout: an update is paused, and any write would resume it',
      '60 shop_web: rollout: an update is paused, and any write would resume it (3 more)',
      '120 shop_web: rollout: an update is paused, and any write would resume it (3 more)',
    ])
  })

  it('for another reason is told at once, and so is a change', async () => {
    const all = [
      ['s', decision(0)],
      ['s', decision(1, { code: 'cooldown', reason: 'cooldown: up is possible again in 30 s' })],
      ['s', decision(2)],
      ['s', { ...decision(3), outcome: 'scaled', code: undefined, to: 3, reason: 'up by 1' } as unknown as Decision],
      ['s', { ...decision(4), outcome: 'scaled', code: undefined, to: 4, reason: 'up by 1' } as unknown as Decision],
    ] as const
    expect((await lines(all)).map((line) => line.split(' ')[0])).toEqual(['0', '1', '2', '3', '4'])
  })

  it('of one service says nothing of another', async () => {
    expect(
      await lines([
        ['s', decision(0)],
        ['t', decision(1, { service: 'shop_api' })],
      ]),
    ).toHaveLength(2)
  })

  it('is none where the count is there already', async () => {
    expect(await lines([['s', decision(0, { outcome: 'unchanged', code: 'already-there' })]])).toEqual([])
  })

  it('of a service that was removed is forgotten', async () => {
    const log = createDecisionLog()
    await lines([['s', decision(0)]], log)
    log.observed({ id: 's', before: undefined, after: undefined })
    expect(await lines([['s', decision(1)]], log)).toHaveLength(1)
  })

  it('names each decision and whose it is, and the note apart from the reason', async () => {
    const log = createDecisionLog('c1')
    const told: Decision[] = []
    log.subscribe(({ type, data }) => {
      if (type === 'decision') told.push(data)
    })
    const asked = [log.named(decision(0)), decision(1, { service: 'shop_api', outcome: 'scaled', note: 'sale' })]
    const said = await lines(
      asked.map((one) => [one.service, one] as const),
      log,
    )
    expect(told.map(({ id, controller }) => [id, controller])).toEqual([
      ['c1-1', 'c1'],
      ['c1-2', 'c1'],
    ])
    expect(log.all().map(({ id }) => id)).toEqual(expect.arrayContaining(['c1-1', 'c1-2']))
    expect(said.at(-1)).toMatch(/any write would resume it \(sale\)$/)
  })
})
