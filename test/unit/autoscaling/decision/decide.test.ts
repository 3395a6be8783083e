import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { STANDING_TRAITS } from '../../../../src/autoscaling/alerts/alert-source.ts'
import { decide } from '../../../../src/autoscaling/decision/decide.ts'
import type { DecideInput } from '../../../../src/autoscaling/decision/decide-input.ts'
import type { Decision } from '../../../../src/autoscaling/decision/decision.ts'
import { COUNT_TRAITS, type Traits } from '../../../../src/autoscaling/decision/request.ts'
import type { Policy } from '../../../../src/autoscaling/policy/policy.ts'
import type { UpdateState } from '../../../../src/swarm/services.ts'
import {
  bounds,
  decideInput,
  down,
  key,
  NOW,
  observation,
  policy,
  reading,
  restore,
  state,
  up,
} from '../../../support/builders/autoscaling.ts'

type Story = { name: string; given: Partial<DecideInput>; expected: Partial<Decision> }

const recommend = (replicas: number, traits: Partial<Traits> = {}): DecideInput['request'] => ({
  ...{ kind: 'recommend', replicas, why: '90% of 60% cpu', cause: 'load' },
  traits: { ...COUNT_TRAITS, ...traits },
})
const set = (replicas: number): DecideInput['request'] => ({ kind: 'set', replicas, origin: 'call' })

const stories: Story[] = [
  { name: 'up takes one step', given: { request: up() }, expected: { outcome: 'scaled', from: 3, to: 4, wanted: 4 } },
  { name: 'down takes one step', given: { request: down() }, expected: { outcome: 'scaled', from: 3, to: 2 } },
  { name: 'by overrides the step', given: { request: up({ by: 5 }) }, expected: { outcome: 'scaled', to: 8 } },
  {
    name: 'a huge step ends at max and says so',
    given: { request: up({ by: 999_999_999 }) },
    expected: {
      outcome: 'scaled',
      to: 10,
      limits: [{ stage: 'max', before: 1_000_000_002, after: 10, reason: 'max is 10' }],
    },
  },
  {
    name: 'a huge step down ends at min',
    given: { request: down({ by: 999_999_999 }) },
    expected: { outcome: 'scaled', to: 1 },
  },
  {
    name: 'up at max changes nothing',
    given: { observation: observation({ replicas: 10 }) },
    expected: { outcome: 'unchanged', code: 'at-max', from: 10, to: 10, wanted: 11 },
  },
  {
    name: 'down at min changes nothing',
    given: { observation: observation({ replicas: 1 }), request: down() },
    expected: { outcome: 'unchanged', code: 'at-min', to: 1 },
  },
  {
    name: 'S9: up above a written max comes back to it',
    given: { observation: observation({ replicas: 19 }) },
    expected: { outcome: 'scaled', from: 19, to: 10 },
  },
  {
    name: 'a max that nobody wrote never pulls down',
    given: { observation: observation({ replicas: 19 }), reading: reading({ maxWritten: false }) },
    expected: { outcome: 'unchanged', code: 'at-max', to: 19 },
  },
  {
    name: 'without any max the count does not grow',
    given: { reading: reading({ max: null, maxWritten: false }) },
    expected: { outcome: 'unchanged', code: 'at-max', to: 3 },
  },
  {
    name: 'growth stops where addresses end',
    given: { request: up({ by: 5 }), capacity: { ceiling: 5, reason: '5 addresses' } },
    expected: { outcome: 'scaled', to: 5, limits: [{ stage: 'capacity', before: 8, after: 5, reason: '5 addresses' }] },
  },
  {
    name: 'no address is left',
    given: { capacity: { ceiling: 2, reason: 'none free' } },
    expected: { outcome: 'unchanged', code: 'at-capacity', to: 3, reason: 'none free' },
  },
  {
    name: 'an invalid policy scales nothing',
    given: {
      reading: {
        optedIn: true,
        name: 'web',
        fields: {},
        issues: [{ severity: 'error', field: 'x', message: 'max is missing' }],
      },
    },
    expected: { outcome: 'invalid-policy', reason: 'max is missing', to: 3 },
  },
  {
    name: 'a global service is unsupported',
    given: { observation: observation({ mode: 'global', replicas: 0 }) },
    expected: { outcome: 'unsupported' },
  },
  {
    name: 'a job is unsupported',
    given: { observation: observation({ mode: 'replicated-job' }) },
    expected: { outcome: 'unsupported' },
  },
  {
    name: 'a cronjob service is unsupported',
    given: { reading: reading({}, { unsupported: 'swarm.cronjob.enable' }) },
    expected: { outcome: 'unsupported', reason: 'swarm.cronjob.enable' },
  },
  {
    name: 'an unanswered write holds',
    given: { writeUnknown: true },
    expected: { outcome: 'held', code: 'unknown-write' },
  },
  {
    name: 'a count of 0 set by hand is left alone',
    given: { observation: observation({ replicas: 0 }) },
    expected: { outcome: 'held', code: 'maintenance', to: 0 },
  },
  {
    name: 'even the bounds leave a 0 set by hand alone',
    given: { observation: observation({ replicas: 0 }), request: bounds() },
    expected: { outcome: 'held', code: 'maintenance' },
  },
  {
    name: 'a count asked for by name works at 0',
    given: { observation: observation({ replicas: 0 }), request: set(4) },
    expected: { outcome: 'scaled', from: 0, to: 4 },
  },
  {
    name: 'with min 0, up works at 0',
    given: { observation: observation({ replicas: 0 }), reading: reading({ min: 0 }) },
    expected: { outcome: 'scaled', to: 1 },
  },
  { name: 'set is clamped', given: { request: set(99) }, expected: { outcome: 'scaled', to: 10, wanted: 99 } },
  {
    name: 'set to the same count',
    given: { request: set(3) },
    expected: { outcome: 'unchanged', code: 'already-there' },
  },
  {
    name: 'set skips the cooldown',
    given: { request: set(5), state: state({ lastUpMs: NOW, lastChangeMs: NOW }) },
    expected: { outcome: 'scaled', to: 5 },
  },
  {
    name: 'set honours a pause',
    given: { request: set(5), reading: reading({ paused: 'up' }) },
    expected: { code: 'paused' },
  },
  {
    name: 'a pause of the other direction lets pass',
    given: { request: set(2), reading: reading({ paused: 'up' }) },
    expected: { outcome: 'scaled', to: 2 },
  },
  {
    name: 'a pause set by call holds until its end',
    given: { pause: { scope: 'both', sinceMs: NOW - 1, untilMs: NOW + 1 } },
    expected: { outcome: 'held', code: 'paused', retryAtMs: NOW + 1 },
  },
  {
    name: 'a pause of everything holds until its end',
    given: { pauseAll: { scope: 'up', sinceMs: NOW - 1, untilMs: NOW + 1 } },
    expected: { outcome: 'held', code: 'paused', retryAtMs: NOW + 1 },
  },
  {
    name: 'of two pauses the one that lasts longer says when',
    given: {
      pause: { scope: 'both', sinceMs: NOW - 1, untilMs: NOW + 7 },
      pauseAll: { scope: 'up', sinceMs: NOW - 1, untilMs: NOW + 1 },
    },
    expected: { outcome: 'held', code: 'paused', retryAtMs: NOW + 7 },
  },
  {
    name: 'a pause of everything that has ended, or of the other direction, does not hold',
    given: { pauseAll: { scope: 'down', sinceMs: NOW - 9 }, pause: { scope: 'up', sinceMs: NOW - 9, untilMs: NOW } },
    expected: { outcome: 'scaled' },
  },
  {
    name: 'a pause that has ended does not hold',
    given: { pause: { scope: 'both', sinceMs: NOW - 9, untilMs: NOW } },
    expected: { outcome: 'scaled' },
  },
  {
    name: 'a repeated key is held, with the first answer’s numbers',
    given: {
      request: up({ key: key('k') }),
      observation: observation({ replicas: 9 }),
      state: state({ keys: [{ ...key('k'), atSeconds: NOW / 1000 - 5, from: 2, to: 3 }] }),
    },
    expected: { outcome: 'held', code: 'duplicate', from: 2, to: 3 },
  },
  {
    name: 'up waits for the last up',
    given: { state: state({ lastUpMs: NOW - 29_000, lastChangeMs: NOW - 29_000 }) },
    expected: { outcome: 'held', code: 'cooldown', retryAtMs: NOW + 1000, from: 3, to: 3, wanted: 4 },
  },
  {
    name: 'up does not wait for a down',
    given: { state: state({ lastUpMs: NOW - 60_000, lastChangeMs: NOW - 1000, direction: 'down' }) },
    expected: { outcome: 'scaled', to: 4 },
  },
  {
    name: 'down waits for the last change of either kind',
    given: { request: down(), state: state({ lastUpMs: NOW - 60_000, lastChangeMs: NOW - 1000 }) },
    expected: { outcome: 'held', code: 'cooldown', retryAtMs: NOW + 29_000 },
  },
  {
    name: 'after a last change that is a little ahead it waits for the same time, however often it is asked',
    given: { state: state({ lastUpMs: NOW + 2000, lastChangeMs: NOW + 2000 }) },
    expected: { outcome: 'held', code: 'cooldown', retryAtMs: NOW + 32_000 },
  },
  {
    name: 'after a last change further ahead than the cooldown is long, the clock was set back and nothing is waited for',
    given: { state: state({ lastUpMs: NOW + 3_600_000, lastChangeMs: NOW + 3_600_000 }) },
    expected: { outcome: 'scaled' },
  },
  {
    name: 'dry run by policy',
    given: { reading: reading({ dryRun: true }) },
    expected: { outcome: 'dry-run', from: 3, to: 4 },
  },
  {
    name: 'what a source recommends says why',
    given: { request: recommend(6) },
    expected: { outcome: 'scaled', to: 6, reason: '90% of 60% cpu' },
  },
  {
    name: 'growth that waits for placement is held while tasks cannot be placed',
    given: { request: recommend(6, { waitsForPlacement: true }), unplaceable: '2 tasks wait for a node' },
    expected: { outcome: 'held', code: 'unschedulable', reason: '2 tasks wait for a node', wanted: 6, to: 3 },
  },
  {
    name: 'the same growth is written with unschedulable=off',
    given: {
      request: recommend(6, { waitsForPlacement: true }),
      unplaceable: '2 tasks wait for a node',
      reading: reading({ unschedulable: 'off' }),
    },
    expected: { outcome: 'scaled', to: 6 },
  },
  {
    name: 'less is written though tasks cannot be placed',
    given: { request: recommend(2, { waitsForPlacement: true }), unplaceable: '2 tasks wait for a node' },
    expected: { outcome: 'scaled', to: 2 },
  },
  {
    name: 'a call is carried out though tasks cannot be placed',
    given: { unplaceable: '2 tasks wait for a node' },
    expected: { outcome: 'scaled', to: 4 },
  },
  {
    name: 'of one tick one controller makes a step',
    given: { request: recommend(6, { tickMs: NOW }), state: state({ tickMs: NOW }) },
    expected: { outcome: 'held', code: 'duplicate', to: 3 },
  },
  {
    name: 'the next tick is another one',
    given: { request: recommend(6, { tickMs: NOW }), state: state({ tickMs: NOW - 15_000 }) },
    expected: { outcome: 'scaled', to: 6 },
  },
  { name: 'dry run by controller', given: { dryRun: true }, expected: { outcome: 'dry-run', to: 4 } },
  {
    name: 'a restore goes back inside the new bounds, whatever the cooldown',
    given: { request: restore(40), state: state({ lastUpMs: NOW, lastChangeMs: NOW }) },
    expected: { outcome: 'scaled', to: 10, wanted: 40 },
  },
  {
    name: 'bounds pull a count above a written max down',
    given: { request: bounds(), observation: observation({ replicas: 12 }) },
    expected: { outcome: 'scaled', from: 12, to: 10 },
  },
  {
    name: 'bounds honour a pause',
    given: { request: bounds(), observation: observation({ replicas: 12 }), reading: reading({ paused: 'down' }) },
    expected: { outcome: 'held', code: 'paused' },
  },
]

const rollouts: { state?: UpdateState; held: boolean }[] = [
  { state: 'updating', held: true },
  { state: 'paused', held: true },
  { state: 'rollback_started', held: true },
  { state: 'rollback_paused', held: true },
  { state: 'completed', held: false },
  { state: 'rollback_completed', held: false },
  { held: false },
]

describe('decide', () => {
  it.each(stories)('$name', ({ given, expected }) => {
    expect(decide(decideInput(given)).decision).toMatchObject(expected)
  })

  it.each(rollouts)('while UpdateStatus is $state: held is $held', ({ state: updateState, held }) => {
    const seen = observation(updateState === undefined ? {} : { updateState })
    expect(decide(decideInput({ observation: seen })).decision.outcome).toBe(held ? 'held' : 'scaled')
    const off = reading({ rollout: 'off' })
    expect(decide(decideInput({ observation: seen, reading: off })).decision.outcome).toBe('scaled')
  })

  it('a pause without an end has no time at which to ask again, whatever else is paused', () => {
    const pauseAll = { scope: 'up', sinceMs: NOW - 1, untilMs: NOW + 1 } as const
    const { decision } = decide(decideInput({ pause: { scope: 'both', sinceMs: NOW - 1 }, pauseAll }))
    expect(decision).toMatchObject({
      code: 'paused',
      reason: expect.stringMatching(/^paused via API until it is resumed/),
    })
    expect(decision).not.toHaveProperty('retryAtMs')
  })

  it('holds for 10 s after a new task template was seen without any UpdateStatus', () => {
    const seen = observation({ templateChangeSeenAtMs: NOW - 9_999 })
    expect(decide(decideInput({ observation: seen })).decision).toMatchObject({ code: 'rollout', retryAtMs: NOW + 1 })
    expect(
      decide(decideInput({ observation: { ...seen, templateChangeSeenAtMs: NOW - 10_000 } })).decision.outcome,
    ).toBe('scaled')
    expect(decide(decideInput({ observation: { ...seen, updateState: 'completed' } })).decision.outcome).toBe('scaled')
  })

  it('restores during a rollout only when the policy gives automatic rollback up', () => {
    const seen = observation({ updateState: 'updating' })
    const when = (onDeploy: Policy['onDeploy']) =>
      decide(decideInput({ observation: seen, request: restore(7, { onDeploy }), reading: reading({ onDeploy }) }))
        .decision.outcome
    expect(when('restore')).toBe('held')
    expect(when('restore-now')).toBe('scaled')
  })

  it('keeps what the caller said apart from the reason, also when it holds', () => {
    const request = { kind: 'step', direction: 'up', origin: 'call', note: 'black friday' } as const
    const note = 'black friday'
    expect(decide(decideInput({ request })).decision).toMatchObject({ outcome: 'scaled', reason: 'up by 1', note })
    expect(decide(decideInput({ request, reading: reading({ paused: 'both' }) })).decision).toMatchObject({
      ...{ code: 'paused', reason: 'paused by its policy (both)', note },
    })
  })

  it('shows every stage it looked at, up to the one that stopped it', () => {
    const { stages } = decide(decideInput({ reading: reading({ paused: 'both' }) }))
    expect(stages.map(({ stage, result }) => `${stage}: ${result}`)).toEqual([
      'policy: pass',
      'supported: pass',
      'unknown-write: pass',
      'maintenance: pass',
      'paused: stop',
    ])
  })
})

const anyPolicy: fc.Arbitrary<Policy> = fc
  .record({
    bounds: fc.tuple(fc.nat(50), fc.nat(50)),
    minWritten: fc.boolean(),
    maxWritten: fc.boolean(),
    noMax: fc.boolean(),
    step: fc.oneof(
      fc.record({ kind: fc.constant('count' as const), count: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ kind: fc.constant('percent' as const), percent: fc.integer({ min: 1, max: 300 }) }),
    ),
    paused: fc.constantFrom('none', 'up', 'down', 'both'),
    rollout: fc.constantFrom('hold', 'off'),
    dryRun: fc.boolean(),
  })
  .map(({ bounds: [a, b], noMax, step, paused, rollout, ...rest }) =>
    policy({
      ...rest,
      min: Math.min(a, b),
      max: noMax ? null : Math.max(a, b),
      maxWritten: rest.maxWritten && !noMax,
      stepUp: step,
      stepDown: step,
      paused: paused as Policy['paused'],
      rollout: rollout as Policy['rollout'],
    }),
  )

const anyRequest: fc.Arbitrary<DecideInput['request']> = fc.oneof(
  fc.constantFrom(up(), down(), bounds()),
  fc.nat(80).map(set),
  fc.nat(80).map((replicas) => restore(replicas)),
)

const anyInput = fc
  .record({
    policy: anyPolicy,
    replicas: fc.nat(80),
    request: anyRequest,
    lastUpAgo: fc.nat(60_000),
    updateState: fc.constantFrom<UpdateState | undefined>(
      undefined,
      'updating',
      'paused',
      'completed',
      'rollback_paused',
    ),
    ceiling: fc.option(fc.nat(80), { nil: undefined }),
  })
  .map(({ policy: made, replicas, request, lastUpAgo, updateState, ceiling }) =>
    decideInput({
      reading: { optedIn: true, name: 'web', policy: made, fields: {}, issues: [] },
      observation: observation({ replicas, ...(updateState && { updateState }) }),
      request,
      state: state({ lastUpMs: NOW - lastUpAgo, lastChangeMs: NOW - lastUpAgo }),
      ...(ceiling === undefined ? {} : { capacity: { ceiling, reason: 'addresses' } }),
    }),
  )

describe('whatever it is given, decide', () => {
  const check = (property: (input: DecideInput, decision: Decision) => void) =>
    fc.assert(
      fc.property(anyInput, (input) => property(input, decide(input).decision)),
      { numRuns: 2000 },
    )

  it('answers with whole numbers, and changes the count only when it says so', () =>
    check((input, { outcome, from, to }) => {
      expect(Number.isSafeInteger(to) && to >= 0).toBe(true)
      expect(from).toBe(input.observation.replicas)
      if (outcome !== 'scaled' && outcome !== 'dry-run') expect(to).toBe(from)
      else expect(to).not.toBe(from)
    }))

  it('never leaves the bounds that a person wrote, nor grows past any max', () =>
    check(({ reading: { policy: made } }, { outcome, from, to, limits }) => {
      if (outcome !== 'scaled' || made === undefined) return
      // Fewer addresses than min: it grows as far as they reach.
      if (!limits.some(({ stage }) => stage === 'capacity')) expect(to).toBeGreaterThanOrEqual(made.min)
      if (made.maxWritten && made.max !== null) expect(to).toBeLessThanOrEqual(made.max)
      else expect(to).toBeLessThanOrEqual(Math.max(from, made.max ?? from))
    }))

  it('never moves against the direction asked, unless a written bound demands it', () =>
    check(({ request, reading: { policy: made } }, { outcome, from, to }) => {
      if (outcome !== 'scaled' || request.kind !== 'step' || made === undefined) return
      const outside = from < made.min || (made.maxWritten && made.max !== null && from > made.max)
      if (!outside) expect(Math.sign(to - from)).toBe(request.direction === 'up' ? 1 : -1)
    }))

  it('never grows past what can be addressed', () =>
    check(({ capacity }, { outcome, from, to }) => {
      if (outcome === 'scaled' && capacity !== undefined)
        expect(to).toBeLessThanOrEqual(Math.max(from, capacity.ceiling))
    }))

  it('writes nothing during a rollout unless told not to wait', () =>
    check(({ observation: { updateState }, reading: { policy: made } }, { outcome }) => {
      if (made?.rollout === 'hold' && updateState !== undefined && updateState !== 'completed')
        expect(outcome).not.toBe('scaled')
    }))
})

describe('a step of an alert that stands', () => {
  const standing = (direction: 'up' | 'down'): DecideInput['request'] => ({
    kind: 'step',
    origin: 'alert',
    direction,
    traits: STANDING_TRAITS,
  })

  it('is decided as any step, but for a cooldown of 15 s at least', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('up' as const, 'down' as const),
        fc.nat({ max: 60_000 }),
        fc.nat({ max: 60_000 }),
        fc.nat({ max: 60_000 }),
        fc.nat({ max: 12 }),
        (direction, cooldownUpMs, cooldownDownMs, agoMs, replicas) => {
          const given = {
            observation: observation({ replicas }),
            state: state({ lastUpMs: NOW - agoMs, lastChangeMs: NOW - agoMs }),
          }
          const decided = (request: DecideInput['request'], policyOver: Partial<Policy>) =>
            decide(decideInput({ ...given, request, reading: reading(policyOver) })).decision
          const longer = {
            cooldownUpMs: Math.max(cooldownUpMs, 15_000),
            cooldownDownMs: Math.max(cooldownDownMs, 15_000),
          }
          const asked = direction === 'up' ? up() : down()
          const decision = decided(standing(direction), { cooldownUpMs, cooldownDownMs })
          expect(decision).toEqual({ ...decided(asked, longer), origin: 'alert' })
          if (agoMs < 15_000) expect(decision.outcome).not.toBe('scaled')
        },
      ),
    )
  })

  it('with a key is a duplicate of the step that it made', () => {
    const known = state({ keys: [{ ...key('k'), atSeconds: NOW / 1000, from: 3, to: 4 }] })
    const request = { ...standing('up'), key: key('k') } as DecideInput['request']
    expect(decide(decideInput({ state: known, request })).decision).toMatchObject({ code: 'duplicate', from: 3, to: 4 })
  })
})
