import { describe, expect, it } from 'vitest'
import { type ForeignChange, foreignChange } from '../../../../src/autoscaling/decision/foreign-change.ts'
import type { PendingRestore } from '../../../../src/autoscaling/decision/shared-state.ts'
import { encodeState } from '../../../../src/autoscaling/decision/state.ts'
import { type ServiceObservation, STATE_LABEL } from '../../../../src/swarm/services.ts'
import { NOW, observation, state } from '../../../support/builders/autoscaling.ts'

const labelTo = (to: number) => encodeState(state({ to }))
const ours = (replicas: number, over: Partial<ServiceObservation> = {}) =>
  observation({ replicas, labels: { [STATE_LABEL]: labelTo(replicas) }, ...over })
const bare = (replicas: number, over: Partial<ServiceObservation> = {}) => observation({ replicas, ...over })
const previous = (over: Partial<NonNullable<ServiceObservation['previous']>>) => ({
  replicas: 7,
  stateLabel: undefined,
  sameTemplate: true,
  sameButCount: false,
  ...over,
})
const owed7: PendingRestore = { replicas: 7, stateLabel: labelTo(7), sinceMs: NOW }

const stories: {
  name: string
  now: ServiceObservation
  before?: ServiceObservation
  pending?: PendingRestore
  expected: Partial<ForeignChange> | { kind: 'deploy'; owed: object }
}[] = [
  { name: 'a service never scaled is nobody’s business', now: bare(3), expected: { kind: 'none', settled: false } },
  { name: 'our own write', now: ours(4), before: ours(3), expected: { kind: 'none', settled: false } },
  {
    name: 'a stack deploy: the label is gone, and the previous spec has the count',
    now: bare(2, { previous: previous({ replicas: 7, stateLabel: labelTo(7) }) }),
    expected: { kind: 'deploy', owed: { replicas: 7, stateLabel: labelTo(7) } },
  },
  {
    name: 'a deploy with the same count is a deploy too',
    now: bare(7, { previous: previous({ replicas: 7, stateLabel: labelTo(7) }) }),
    expected: { kind: 'deploy', owed: { replicas: 7, stateLabel: labelTo(7) } },
  },
  {
    name: 'a deploy over a count that a person had set keeps the person’s count',
    now: bare(2, { previous: previous({ replicas: 9, stateLabel: labelTo(7) }) }),
    expected: { kind: 'deploy', owed: { replicas: 9, stateLabel: labelTo(7) } },
  },
  {
    name: 'two deploys in a row erase it from the previous spec, and what was seen before serves',
    now: bare(2, { previous: previous({ replicas: 2 }) }),
    before: ours(7),
    expected: { kind: 'deploy', owed: { replicas: 7, stateLabel: labelTo(7) } },
  },
  {
    name: 'docker service scale keeps the label',
    now: observation({ replicas: 5, labels: { [STATE_LABEL]: labelTo(7) } }),
    expected: { kind: 'person' },
  },
  {
    name: 'a rollback of the first step loses the label',
    now: bare(3, { updateState: 'rollback_started', previous: previous({ replicas: 4, stateLabel: labelTo(4) }) }),
    expected: { kind: 'rollback' },
  },
  {
    name: 'a rollback to an older step brings its older label back',
    now: ours(6, { updateState: 'rollback_completed', previous: previous({ replicas: 7, stateLabel: labelTo(7) }) }),
    expected: { kind: 'none', settled: false },
  },
  {
    name: 'an automatic rollback of the deploy settles what was owed',
    now: ours(7, { updateState: 'rollback_completed' }),
    pending: owed7,
    expected: { kind: 'none', settled: true },
  },
  {
    name: 'a rollback from one deploy to another leaves it owed',
    now: bare(2, { updateState: 'rollback_completed', previous: previous({ replicas: 2 }) }),
    pending: owed7,
    expected: { kind: 'rollback' },
  },
  {
    name: 'a second deploy leaves it owed',
    now: bare(2, { previous: previous({ replicas: 2 }) }),
    before: bare(2),
    pending: owed7,
    expected: { kind: 'none', settled: false },
  },
  {
    name: 'a person who scales after the deploy has the last word',
    now: bare(4, { previous: previous({ replicas: 2, sameButCount: true }) }),
    before: bare(2),
    pending: owed7,
    expected: { kind: 'person' },
  },
  {
    name: 'scaled again by a controller: nothing is owed any more',
    now: ours(8, { previous: previous({ replicas: 2 }) }),
    before: bare(2),
    pending: owed7,
    expected: { kind: 'none', settled: true },
  },
]

describe('who changed the service', () => {
  it.each(stories)('$name', ({ now, before, pending, expected }) => {
    expect(foreignChange(now, before, pending)).toEqual(expected)
  })
})
