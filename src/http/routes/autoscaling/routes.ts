/** The routes of autoscaling. */
import type { OrreryEvent } from '../../../autoscaling/autoscaler.ts'
import type { EventSource, RouteGroup, WireEvent } from '../../route-group.ts'
import { wireObservation } from '../../wire/autoscaler.ts'
import { wireDecision } from '../../wire/decision.ts'
import { callRoutes } from './calls.ts'
import type { AutoscalingDeps } from './deps.ts'
import { readRoutes } from './reads.ts'
import { summaryEvents } from './summary-events.ts'
import { webhookRoutes } from './webhooks.ts'

export const autoscalingRoutes = (deps: AutoscalingDeps): RouteGroup => ({
  tags: [
    { name: 'autoscaler', description: 'Scaling, and why it did or did not happen' },
    { name: 'webhook', description: 'Notifications of monitoring tools' },
  ],
  events: eventsOf(deps),
  register(app, http) {
    const all = { ...deps, ...http }
    readRoutes(app, all)
    callRoutes(app, all)
    webhookRoutes(app, all)
  },
})

function eventsOf({ feed, catalog, scaler }: AutoscalingDeps): EventSource {
  const summaries = summaryEvents(catalog, scaler.pausedAll)
  return (listener) => {
    const ends = [feed.subscribe((event) => listener(event, () => wireEvent(event))), summaries(listener)]
    return () => {
      for (const end of ends) end()
    }
  }
}

function wireEvent({ type, data }: OrreryEvent): WireEvent {
  if (type === 'decision') return { type, data: wireDecision(data) }
  return { type, data: 'gone' in data ? data : wireObservation(data) }
}
