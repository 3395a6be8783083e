import { describe, expect, it } from 'vitest'
import { createAlertSource } from '../../../../src/autoscaling/alerts/alert-source.ts'
import { type AlertState, EMPTY_ALERT_STATE } from '../../../../src/autoscaling/alerts/alert-state.ts'
import {
  type BoundService,
  boundsSource,
  createRestoreSource,
  dueRequest,
  PERSON_GRACE_MS,
} from '../../../../src/autoscaling/decision/request-source.ts'
import type { PendingRestore } from '../../../../src/autoscaling/decision/shared-state.ts'
import type { Policy } from '../../../../src/autoscaling/policy/policy.ts'
import { NOW, observation, policy, standing, state } from '../../../support/builders/autoscaling.ts'

interface Given extends Omit<BoundService, 'policy'> {
  readonly policy: Policy | undefined
  readonly pending: PendingRestore | undefined
  readonly alerts: AlertState
  readonly nowMs: number
}

const input = (over: Partial<Given>): Given => ({
  observation: observation({ replicas: 3 }),
  policy: policy(),
  state: undefined,
  pending: undefined,
  alerts: EMPTY_ALERT_STATE,
  countSeenAtMs: NOW,
  nowMs: NOW,
  ...over,
})

const dueCorrection = ({ pending, alerts, nowMs, ...bound }: Given) => {
  const restores = new Map(pending && [['id-web', pending]])
  const sources = [
    createRestoreSource({ current: () => ({ restores }) }),
    boundsSource,
    createAlertSource({ current: () => alerts }),
  ]
  return dueRequest(sources, bound, nowMs)
}

const plain = { endsMaintenance: false, waitsForRollout: true, waitsForPlacement: false }
const bounds = { kind: 'bounds', traits: { ...plain, source: 'bounds' } }

const above = observation({ replicas: 12 })

describe('what is done unasked', () => {
  it('is nothing while the count is inside the bounds', () => {
    expect(dueCorrection(input({}))).toBeUndefined()
  })

  it('is a return to what ran before a deploy, first of all', () => {
    const pending = { replicas: 7, stateLabel: undefined, sinceMs: NOW }
    expect(dueCorrection(input({ pending, observation: above }))).toEqual({
      kind: 'restore',
      replicas: 7,
      traits: { ...plain, source: 'restore', clears: 'restore' },
    })
  })

  it('leaves a person’s count outside the bounds alone for 10 s, then corrects it', () => {
    expect(dueCorrection(input({ observation: above, nowMs: NOW + PERSON_GRACE_MS - 1 }))).toBeUndefined()
    expect(dueCorrection(input({ observation: above, nowMs: NOW + PERSON_GRACE_MS }))).toEqual(bounds)
  })

  it('corrects our own count at once: then it is the policy that changed', () => {
    expect(dueCorrection(input({ observation: above, state: state({ to: 12 }) }))).toEqual(bounds)
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

  it('is a step of an alert that stands, but not while a person’s count outside the bounds is left alone', () => {
    const alerts = standing()
    const repeat = policy({ onFiring: 'repeat' })
    expect(dueCorrection(input({ alerts, policy: repeat }))).toMatchObject({ kind: 'step', direction: 'up' })
    expect(dueCorrection(input({ alerts, policy: repeat, observation: above }))).toBeUndefined()
  })
})
