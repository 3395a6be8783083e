/** The two sources of corrections: return a count that a deploy reset, and keep the bounds that a person wrote. Pure. */
import { inWrittenBounds, policyAt } from '../policy/policy-at.ts'
import { COUNT_TRAITS, type Traits } from './request.ts'
import type { RequestSource } from './request-source.ts'
import type { SharedState } from './shared-state.ts'

/** How long a person's count outside the bounds is left alone: time to finish what they are doing, and to see the reason. */
export const PERSON_GRACE_MS = 10_000

/** Gives back what ran before a deploy, first of all. */
export function createRestoreSource(shared: { current(): Pick<SharedState, 'restores'> }): RequestSource {
  const name = 'restore'
  return {
    name,
    due({ observation, policy }) {
      const pending = shared.current().restores.get(observation.id)
      if (pending === undefined) return undefined
      const waitsForRollout = policy.onDeploy !== 'restore-now'
      const traits: Traits = { ...COUNT_TRAITS, source: name, waitsForRollout, clears: 'restore' }
      return { kind: 'restore', replicas: pending.replicas, traits }
    },
  }
}

/** Our own count is corrected at once, since then the bounds have changed; anybody else's after the grace. */
export const boundsSource: RequestSource = {
  name: 'bounds',
  due({ observation, policy, state, countSeenAtMs }, nowMs) {
    const bounds = policyAt(policy, nowMs)
    // A 0 that a schedule or a call asked for is no maintenance: it ends with the bounds that allowed it.
    const sleeps = observation.replicas === 0 && bounds.min > 0 && state?.to === 0 && state.cause !== 'set'
    if (sleeps) return { kind: 'bounds', traits: { ...COUNT_TRAITS, source: 'bounds', endsMaintenance: true } }
    if (inWrittenBounds(observation.replicas, bounds)) return undefined
    const isOurs = state?.to === observation.replicas
    if (!isOurs && nowMs < countSeenAtMs + PERSON_GRACE_MS) return 'later'
    return { kind: 'bounds', traits: { ...COUNT_TRAITS, source: 'bounds' } }
  },
}
