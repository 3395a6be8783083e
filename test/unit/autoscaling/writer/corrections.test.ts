import { describe, expect, it } from 'vitest'
import { type CorrectionInput, dueCorrection, PERSON_GRACE_MS } from '../../../../src/autoscaling/writer/corrections.ts'
import { NOW, observation, policy, state } from '../../../support/builders/autoscaling.ts'

const input = (over: Partial<CorrectionInput>): CorrectionInput => ({
  observation: observation({ replicas: 3 }),
  policy: policy(),
  state: undefined,
  pending: undefined,
  alerts: [],
  countSeenAtMs: NOW,
  nowMs: NOW,
  ...over,
})

const above = observation({ replicas: 12 })

describe('what is done unasked', () => {
  it('is nothing while the count is inside the bounds', () => {
    expect(dueCorrection(input({}))).toBeUndefined()
  })

  it('is a return to what ran before a deploy, first of all', () => {
    const pending = { replicas: 7, stateLabel: undefined, sinceMs: NOW }
    expect(dueCorrection(input({ pending, observation: above }))).toEqual({ kind: 'restore', replicas: 7 })
  })

  it('leaves a person’s count outside the bounds alone for 10 s, then corrects it', () => {
    expect(dueCorrection(input({ observation: above, nowMs: NOW + PERSON_GRACE_MS - 1 }))).toBeUndefined()
    expect(dueCorrection(input({ observation: above, nowMs: NOW + PERSON_GRACE_MS }))).toEqual({ kind: 'bounds' })
  })

  it('corrects our own count at once: then it is the policy that changed', () => {
    expect(dueCorrection(input({ observation: above, state: state({ to: 12 }) }))).toEqual({ kind: 'bounds' })
  })

  it('never pulls down to a max that nobody wrote', () => {
    const late = NOW + 60_000
    expect(
      dueCorrection(input({ observation: above, policy: policy({ maxWritten: false }), nowMs: late })),
    ).toBeUndefined()
  })

  it('is nothing for an invalid policy, a global service, or a service at 0', () => {
    const late = NOW + 60_000
    expect(dueCorrection(input({ observation: above, policy: undefined, nowMs: late }))).toBeUndefined()
    expect(dueCorrection(input({ observation: { ...above, mode: 'global' }, nowMs: late }))).toBeUndefined()
    expect(dueCorrection(input({ observation: observation({ replicas: 0 }), nowMs: late }))).toBeUndefined()
  })
})
