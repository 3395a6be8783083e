/** The writers of all services: made when first needed, woken by what changes and by time, gone with their service. */

import { type ServiceChange, type ServiceObservation, STATE_LABEL } from '../../swarm/services.ts'
import { end } from '../alerts/alert-state.ts'
import { forgetService } from '../decision/shared-state.ts'
import { createDecisionPublisher } from '../feed/decision-log.ts'
import { createServiceWriter, type ServiceWriter } from './service-writer.ts'
import type { ScalerDeps, WriterContext } from './writer-context.ts'

/** Corrections fall due by time alone: a grace that ends, a rollout that never showed. */
const SWEEP_MS = 1000

export interface ServiceWriters {
  of(serviceId: string): ServiceWriter
  writeUnknown(serviceId: string): boolean
  /** Stops everything unasked; resolves when no writer has anything queued or under way. */
  stop(): Promise<void>
}

export function createServiceWriters(deps: ScalerDeps): ServiceWriters {
  const { services, sharedState, alerts, policies, log, listener, logger } = deps
  const writers = new Map<string, ServiceWriter>()
  const tell = createDecisionPublisher(deps)

  const contextOf = (serviceId: string): WriterContext => ({
    serviceId,
    decided: (decision, tookMs) => tell(serviceId, decision, tookMs),
    ...deps,
  })

  const writerOf = (serviceId: string): ServiceWriter => {
    const writer = writers.get(serviceId) ?? createServiceWriter(contextOf(serviceId))
    writers.set(serviceId, writer)
    return writer
  }

  const forget = async (id: string) => {
    writers.get(id)?.wake()
    writers.delete(id)
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
    else if (policies.byId(id)?.reading.optedIn || carriesState(after)) writerOf(id).wake()
  })

  const sweep = setInterval(() => {
    for (const { observation } of policies.optedIn()) writerOf(observation.id).wake()
  }, SWEEP_MS)

  return {
    of: writerOf,
    writeUnknown: (serviceId) => writers.get(serviceId)?.writeUnknown() ?? false,
    async stop() {
      clearInterval(sweep)
      stopObserving()
      await Promise.all([...writers.values()].map((writer) => writer.idle()))
    },
  }
}

/** A service that was ours and whose new spec may not say so any more. */
function carriesState({ labels, previous }: ServiceObservation): boolean {
  return labels[STATE_LABEL] !== undefined || previous?.stateLabel !== undefined
}
