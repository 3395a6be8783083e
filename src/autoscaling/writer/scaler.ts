/** The scaler: what callers may ask of an autoscaler by its name. */

import { Fault } from '../../foundation/errors.ts'
import type { Catalog, Scaler } from '../autoscaler.ts'
import { decide } from '../decision/decide.ts'
import { keyFault } from '../decision/recent-keys.ts'
import { addPause, endPause } from '../decision/shared-state-changes.ts'
import { capacityOf, effectiveState, type ScalerDeps } from './lane-context.ts'
import type { Lanes } from './lanes.ts'

export function createScaler(deps: ScalerDeps & { readonly lanes: Lanes; readonly catalog: Catalog }): Scaler {
  const { policies, sharedState, lanes, catalog, now, settings } = deps
  let stopping = false

  const serviceIdOf = (name: string): string => {
    if (stopping) throw new Fault('shutting-down', 'this controller is stopping', { retryAfterMs: 2000 })
    return policies.find(name).observation.id
  }

  return {
    async request(name, request) {
      return await lanes.of(serviceIdOf(name)).submit(request)
    },
    explain(name, request) {
      const { observation, reading } = policies.find(name)
      const { pauses, restores } = sharedState.current()
      const state = effectiveState(observation, restores.get(observation.id))
      const at = { nowMs: now(), dedupWindowMs: settings.dedupWindowMs }
      const fault = keyFault(request, state?.keys ?? [], { nowMs: at.nowMs, windowMs: at.dedupWindowMs })
      if (fault !== undefined) throw fault
      const { dryRun } = settings
      const writeUnknown = lanes.writeUnknown(observation.id)
      return decide({
        reading,
        observation,
        state,
        pause: pauses.get(observation.id),
        writeUnknown,
        dryRun,
        ...capacityOf(deps, observation),
        request,
        ...at,
      })
    },
    async pause(name, wish) {
      const id = serviceIdOf(name)
      await sharedState.update((state) => addPause(state, id, { ...wish, nowMs: now() }))
      return catalog.get(name)
    },
    async resume(name, scope) {
      const id = serviceIdOf(name)
      await sharedState.update((state) => endPause(state, id, scope))
      lanes.of(id).wake()
      return catalog.get(name)
    },
    async stop() {
      stopping = true
      await lanes.stop()
    },
  }
}
