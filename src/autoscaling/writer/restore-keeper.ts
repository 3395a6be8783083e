/**
 * Watches who changes one service and keeps the count that a deploy reset in `orrery-state`, when it is first seen and before
 * anything else, so that a second deploy, a paused rollout or a restart of the controller does not lose it.
 */

import { type ServiceObservation, STATE_LABEL } from '../../swarm/services.ts'
import { type CountByHand, suspend } from '../alerts/alert-state.ts'
import type { Decision } from '../decision/decision.ts'
import { type ForeignChange, foreignChange } from '../decision/foreign-change.ts'
import { type Request, traitsOf } from '../decision/request.ts'
import { dropRestore, keepRestore, type PendingRestore } from '../decision/shared-state.ts'
import { decodeState, isOwnZero } from '../decision/state.ts'
import type { Policy } from '../policy/policy.ts'
import type { WriterContext } from './writer-context.ts'

export interface RestoreKeeper {
  pending(): PendingRestore | undefined
  /** When this controller first saw the current count, ms since the epoch. */
  countSeenAtMs(): number
  /** Whether `note` has dealt with this, or with what says the same under another version: our own write, once it is read. */
  noted(observation: ServiceObservation): boolean
  /** Throws Fault `engine-unavailable` or `conflicts-exhausted` when the record could not be kept. */
  note(observation: ServiceObservation, policy: Policy | undefined): Promise<void>
  /** Ends what a request that was carried out makes void. Throws as `note`. */
  carriedOut(request: Request, decision: Decision): Promise<void>
}

export function createRestoreKeeper({ serviceId, sharedState, alerts, logger, now }: WriterContext): RestoreKeeper {
  let seen: ServiceObservation | undefined
  let countSeenAtMs = now()
  /** `firstSeenAtMs` of the deploy that was dealt with: one time of being seen is one deploy, whatever else bumps the version. */
  let dealtWithAtMs: number | undefined

  const pending = () => sharedState.current().restores.get(serviceId)

  const settle = async () => {
    if (pending() === undefined) return
    await sharedState.update((state) => dropRestore(state, serviceId))
  }

  const keep = async (owed: Omit<PendingRestore, 'sinceMs'>) => {
    if (pending()?.stateLabel === owed.stateLabel) return
    await sharedState.update((state) => keepRestore(state, serviceId, { ...owed, sinceMs: now() }))
  }

  /** What stands waits for its next notification: somebody's word is newer. */
  const suspendAlerts = (by: Omit<CountByHand, 'atMs'>) => {
    const atMs = now()
    alerts.note((state) => suspend(state, serviceId, { ...by, atMs }))
  }

  const onDeploy = async (
    owed: Extract<ForeignChange, { kind: 'deploy' }>['owed'],
    at: ServiceObservation,
    policy: Policy | undefined,
  ) => {
    if (dealtWithAtMs === at.firstSeenAtMs) return
    // A 0 that a person set was for the time until the deploy.
    const wasOurs = owed.replicas > 0 || isOwnZero(owed.replicas, decodeState(owed.stateLabel))
    const wanted = policy?.onDeploy !== 'accept' && wasOurs && owed.replicas !== at.replicas
    logger.info(
      { event: 'deploy-seen', service: at.name, deployed: at.replicas, before: owed.replicas, restore: wanted },
      `a deploy set ${at.name} to ${at.replicas}; ${owed.replicas} ran before`,
    )
    await (wanted ? keep(owed) : settle())
    if (policy?.onDeploy === 'accept' && owed.replicas !== at.replicas) suspendAlerts({})
    dealtWithAtMs = at.firstSeenAtMs
  }

  return {
    pending,
    async carriedOut(request, { outcome, limits, atMs }) {
      if (outcome !== 'scaled' && outcome !== 'unchanged') return
      const { clears } = traitsOf(request)
      if (clears === 'alerts') alerts.note((state) => suspend(state, serviceId, { atMs }))
      // Short of addresses it is not back yet: the rest follows when they are free.
      if (clears === 'restore' && !limits.some(({ stage }) => stage === 'capacity')) await settle()
    },
    countSeenAtMs: () => countSeenAtMs,
    noted: (observation) => seen === observation || (pending() === undefined && isSameButVersion(observation, seen)),
    async note(observation, policy) {
      if (seen === observation) return
      if (seen !== undefined && seen.replicas !== observation.replicas) countSeenAtMs = now()
      const change = foreignChange(observation, seen, pending())
      const isNews = seen?.version !== observation.version
      // When first seen it may have been long ago, and told of since.
      if (change.kind === 'person' && seen?.replicas !== observation.replicas) {
        suspendAlerts(seen === undefined ? { replicas: observation.replicas } : {})
      }
      if (change.kind === 'deploy') await onDeploy(change.owed, observation, policy)
      else if (change.kind === 'person' || (change.kind === 'none' && change.settled)) await settle()
      if (isNews && (change.kind === 'person' || change.kind === 'rollback')) {
        const what = change.kind === 'person' ? 'was scaled by hand' : 'was rolled back'
        logger.info(
          { event: `${change.kind}-seen`, service: observation.name },
          `${observation.name} ${what}: ${observation.replicas} replicas are the new base`,
        )
      }
      seen = observation
    },
  }
}

/** Of a service that carries our label, which says all there is to note of it. */
function isSameButVersion(now: ServiceObservation, seen: ServiceObservation | undefined): boolean {
  return (
    seen !== undefined &&
    seen.labels === now.labels &&
    seen.replicas === now.replicas &&
    seen.updateState === now.updateState &&
    now.labels[STATE_LABEL] !== undefined
  )
}
