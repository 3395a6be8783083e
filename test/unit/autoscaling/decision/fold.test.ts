import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FoldInput, fold } from '../../../../src/autoscaling/decision/fold.ts'
import { MAX_RECENT_KEYS } from '../../../../src/autoscaling/decision/recent-keys.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import { decideInput, down, key, NOW, observation, reading, state, up } from '../../../support/builders/autoscaling.ts'

const noCooldown = reading({ max: 1000, cooldownUpMs: 0, cooldownDownMs: 0 })

function foldInput(over: Partial<FoldInput>): FoldInput {
  const { request: _, ...base } = decideInput({ reading: noCooldown })
  return { ...base, requests: [], writeId: 'w2', ...over }
}

const numbers = (input: FoldInput) =>
  fold(input).verdicts.map((verdict) =>
    verdict instanceof Fault
      ? verdict.code
      : `${verdict.decision.outcome} ${verdict.decision.from}-${verdict.decision.to}`,
  )

describe('a batch of requests', () => {
  it('is one write, and everybody gets their own step of it', () => {
    const input = foldInput({ requests: [up(), up(), up({ by: 3 })] })
    expect(numbers(input)).toEqual(['scaled 3-4', 'scaled 4-5', 'scaled 5-8'])
    expect(fold(input).write).toMatchObject({ replicas: 8, state: { writeId: 'w2', from: 5, to: 8, lastUpMs: NOW } })
  })

  it('with a cooldown lets the first pass and holds the others', () => {
    const input = foldInput({ reading: reading(), requests: [up(), up()] })
    expect(numbers(input)).toEqual(['scaled 3-4', 'held 3-3'].map((text) => text.replace('3-3', '4-4')))
  })

  it('that changes nothing is no write', () => {
    expect(
      fold(foldInput({ observation: observation({ replicas: 1000 }), requests: [up(), up()] })).write,
    ).toBeUndefined()
  })

  it('ends before a turn of direction, so that no write ends at the count it began with', () => {
    const input = foldInput({ requests: [up(), down(), up()] })
    expect(numbers(input)).toEqual(['scaled 3-4'])
    expect(fold(input).write?.replicas).toBe(4)
  })

  it('refuses who saw another count than the one that is there when it is their turn', () => {
    const seen = (replicas: number, expected: number, by = ''): FoldInput['requests'][number] => ({
      ...{ kind: 'set', origin: 'call', replicas, expected },
      ...(by === '' ? {} : { key: key(by) }),
    })
    const input = foldInput({ requests: [seen(5, 3), seen(7, 3), seen(8, 5)] })
    expect(numbers(input)).toEqual(['scaled 3-5', 'count-changed', 'scaled 5-8'])
    // Whoever repeats a call has changed the count themselves.
    const repeated = foldInput({ requests: [seen(5, 3, 'k'), seen(5, 3, 'k')] })
    expect(numbers(repeated)).toEqual(['scaled 3-5', 'held 3-5'])
  })

  it('lets of those who saw one count no second one through, however many and in whatever order', () => {
    const wish = fc.record({ replicas: fc.integer({ min: 1, max: 1000 }), expected: fc.integer({ min: 1, max: 6 }) })
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 12 }), (wishes) => {
        const requests = wishes.map((one) => ({ kind: 'set' as const, origin: 'call' as const, ...one }))
        const { verdicts } = fold(foldInput({ requests }))
        let count = 3
        for (const [index, verdict] of verdicts.entries()) {
          const isRight = requests[index]?.expected === count
          expect(verdict instanceof Fault ? verdict.code : 'decided').toBe(isRight ? 'decided' : 'count-changed')
          if (!(verdict instanceof Fault)) count = verdict.decision.to
        }
      }),
    )
  })

  it('knows a key that came twice in it', () => {
    const input = foldInput({ requests: [up({ key: key('k') }), up({ key: key('k') }), up({ key: key('k', 'xx') })] })
    expect(numbers(input)).toEqual(['scaled 3-4', 'held 3-4', 'key-reused'])
    expect(fold(input).write?.state.keys).toHaveLength(1)
  })

  it('refuses the 251st live key rather than forget one', () => {
    const keys = Array.from({ length: MAX_RECENT_KEYS }, (_, index) => ({
      ...key(`k${index}`),
      atSeconds: NOW / 1000 - 1,
      from: index,
      to: index + 1,
    }))
    expect(numbers(foldInput({ state: state({ keys }), requests: [up({ key: key('new') }), up()] }))).toEqual([
      'keys-exhausted',
      'scaled 3-4',
    ])
    const old = keys.map((known) => ({ ...known, atSeconds: NOW / 1000 - 61 }))
    expect(numbers(foldInput({ state: state({ keys: old }), requests: [up({ key: key('new') })] }))).toEqual([
      'scaled 3-4',
    ])
  })

  it('of any requests is as if each had been decided after the one before', () => {
    const anyRequest = fc.oneof(
      fc.constant(up()),
      fc.constant(down()),
      fc.integer({ min: 1, max: 9 }).map((by) => up({ by })),
    )
    fc.assert(
      fc.property(fc.array(anyRequest, { maxLength: 30 }), fc.nat(1000), (requests, replicas) => {
        const start = foldInput({ requests, observation: observation({ replicas }) })
        const together = fold(start)
        let count = replicas
        for (const verdict of together.verdicts) {
          if (verdict instanceof Fault) continue
          expect(verdict.decision.from).toBe(count)
          if (verdict.decision.outcome === 'scaled') count = verdict.decision.to
        }
        expect(together.write?.replicas ?? replicas).toBe(count)
        expect(together.verdicts.length).toBeGreaterThan(requests.length > 0 ? 0 : -1)
        if (together.write !== undefined) expect(together.write.replicas).not.toBe(replicas)
      }),
    )
  })
})
