/** The lanes of all services: made when first needed, woken by what changes and by time, gone with their service. */

import { type ServiceChange, type ServiceObservation, STATE_LABEL } from '../../swarm/services.ts'
import { end } from '../alerts/alert-state.ts'
import { forgetService } from '../decision/shared-state.ts'
import { createTeller } from '../feed/decision-log.ts'
import { createLane, type Lane } from './lane.ts'
import type { LaneContext, ScalerDeps } from './lane-context.ts'

/** Corrections fall due by time alone: a grace that ends, a rollout that never showed. */
const SWEEP_MS = 1000

export interface Lanes {
  of(serviceId: string): Lane
  writeUnknown(serviceId: string): boolean
  /** Stops everything unasked; resolves when no lane has anything queued or under way. */
  stop(): Promise<void>
}

export function createLanes(deps: ScalerDeps): Lanes {
  const { services, sharedState, alerts, policies, log, listener, logger } = deps
  const lanes = new Map<string, Lane>()
  const tell = createTeller(deps)

  const contextOf = (serviceId: string): LaneContext => ({
    ...deps,
    serviceId,
    decided: (decision, tookMs) => tell(serviceId, decision, tookMs),
  })

  const laneOf = (serviceId: string): Lane => {
    const lane = lanes.get(serviceId) ?? createLane(contextOf(serviceId))
    lanes.set(serviceId, lane)
    return lane
  }

  const forget = async (id: string) => {
    lanes.get(id)?.wake()
    lanes.delete(id)
    alerts.note((state) => end(state, ({ serviceId }) => serviceId === id))
    const { pauses, restores } = sharedState.current()
    if (!pauses.has(id) && !restores.has(id)) return
    try {
      await sharedState.update((state) => forgetService(state, id))
    } catch (error) {
      logger.warn({ event: 'forget-failed', serviceId: id, err: error }, 'what is kept of a removed service stays')
    }
  }

  const stopObserving = services.onChange((change: ServiceChange) => {
    log.observed(change)
    listener.observed(change)
    const { id, after } = change
    if (after === undefined) void forget(id)
    else if (policies.byId(id)?.reading.optedIn || carriesState(after)) laneOf(id).wake()
  })

  const sweep = setInterval(() => {
    for (const { observation } of policies.optedIn()) laneOf(observation.id).wake()
  }, SWEEP_MS)

  return {
    of: laneOf,
    writeUnknown: (serviceId) => lanes.get(serviceId)?.writeUnknown() ?? false,
    async stop() {
      clearInterval(sweep)
      stopObserving()
      await Promise.all([...lanes.values()].map((lane) => lane.idle()))
    },
  }
}

/** A service that was ours and whose new spec may not say so any more. */
function carriesState({ labels, previous }: ServiceObservation): boolean {
  return labels[STATE_LABEL] !== undefined || previous?.stateLabel !== undefined
}
