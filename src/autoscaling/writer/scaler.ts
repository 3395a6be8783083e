/** The scaler: what callers may ask of an autoscaler by its name. */

import { Fault } from '../../foundation/errors.ts'
import type { Catalog, Scaler } from '../autoscaler.ts'
import { decide } from '../decision/decide.ts'
import type { Stage } from '../decision/decision.ts'
import { keyFault } from '../decision/recent-keys.ts'
import type { Request } from '../decision/request.ts'
import { activePause, endPause, endPauseOfAll, setPause, setPauseOfAll } from '../decision/shared-state.ts'
import { LOAD_SOURCE, LOAD_TRAITS, type LoadBook } from '../evaluation/load-book.ts'
import type { Evaluation } from '../load/evaluate.ts'
import type { ServiceWriters } from './service-writers.ts'
import { capacityOf, effectiveState, type ScalerDeps } from './writer-context.ts'

export function createScaler(
  deps: ScalerDeps & {
    readonly load?: Pick<LoadBook, 'simulate'>
    readonly writers: ServiceWriters
    readonly catalog: Catalog
  },
): Scaler {
  const { policies, sharedState, writers, catalog, now, settings } = deps
  let stopping = false

  const refuseWhileStopping = () => {
    if (stopping) throw new Fault('shutting-down', 'this controller is stopping', { retryAfterMs: 2000 })
  }
  const serviceIdOf = (name: string): string => {
    refuseWhileStopping()
    return policies.find(name).observation.id
  }
  const ofAll = () => activePause(sharedState.current().pauseAll, now())

  return {
    async request(name, request) {
      return await writers.of(serviceIdOf(name)).submit(request)
    },
    explain(name, asked) {
      const { observation, reading } = policies.find(name)
      const { pauses, pauseAll, restores } = sharedState.current()
      const state = effectiveState(observation, restores.get(observation.id))
      const at = { nowMs: now(), dedupWindowMs: settings.dedupWindowMs }
      const simulated = asked.kind === 'load' ? deps.load?.simulate({ observation, reading }, asked.values) : undefined
      const request = asked.kind === 'load' ? loadRequest(simulated, observation.replicas) : asked
      const fault = keyFault(request, state?.keys ?? [], { nowMs: at.nowMs, windowMs: at.dedupWindowMs })
      if (fault !== undefined) throw fault
      const { dryRun } = settings
      const writeUnknown = writers.writeUnknown(observation.id)
      const { decision, stages } = decide({
        reading,
        observation,
        state,
        pause: pauses.get(observation.id),
        pauseAll,
        writeUnknown,
        dryRun,
        ...capacityOf(deps, observation),
        request,
        ...at,
      })
      return { decision, stages: [...loadStages(simulated), ...stages] }
    },
    async pause(name, wish) {
      const id = serviceIdOf(name)
      await sharedState.update((state) => setPause(state, id, { ...wish, nowMs: now() }))
      return catalog.get(name)
    },
    async resume(name, scope) {
      const id = serviceIdOf(name)
      await sharedState.update((state) => endPause(state, id, scope))
      writers.of(id).wake()
      return catalog.get(name)
    },
    pausedAll: ofAll,
    async pauseAll(wish) {
      refuseWhileStopping()
      await sharedState.update((state) => setPauseOfAll(state, { ...wish, nowMs: now() }))
      return ofAll()
    },
    async resumeAll(scope) {
      refuseWhileStopping()
      await sharedState.update((state) => endPauseOfAll(state, scope))
      for (const { observation } of policies.optedIn()) writers.of(observation.id).wake()
      return ofAll()
    },
    async stop() {
      stopping = true
      await writers.stop()
    },
  }
}

function loadRequest(load: Evaluation | undefined, current: number): Request {
  const why = load === undefined ? 'no metric is followed' : `measured load: ${load.reason}`
  return {
    kind: 'recommend',
    replicas: load?.counts?.afterRate ?? current,
    why,
    cause: LOAD_SOURCE,
    traits: LOAD_TRAITS,
  }
}

/** What came before the decision, in the words of its stages. */
function loadStages(load: Evaluation | undefined): readonly Stage[] {
  if (load === undefined) return []
  const { metrics, counts, windowDownMs } = load
  const ofMetrics = metrics.map(
    ({ name, count, reason }): Stage => ({
      stage: `metric ${name}`,
      result: count === undefined ? 'skip' : 'pass',
      detail: reason,
    }),
  )
  if (counts === undefined) return [...ofMetrics, { stage: 'load', result: 'skip', detail: load.reason }]
  const { raw, afterWindow, afterRate } = counts
  const limited = (before: number, after: number) => (before === after ? 'pass' : 'limit')
  return [
    ...ofMetrics,
    { stage: 'raw', result: 'pass', detail: `${raw}, the highest of the metrics` },
    { stage: 'window', result: limited(raw, afterWindow), detail: `${afterWindow}; down ${windowDownMs / 1000} s` },
    { stage: 'rate', result: limited(afterWindow, afterRate), detail: `${afterRate}` },
  ]
}
