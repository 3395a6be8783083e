/** Use cases in memory. What a test does not set throws when it is called. */
import type { Autoscaler, Catalog, EventFeed, OrreryEvent, Scaler } from '../../../src/autoscaling/autoscaler.ts'
import type { Decision } from '../../../src/autoscaling/decision/decision.ts'
import type { Request } from '../../../src/autoscaling/decision/request.ts'
import type { PolicyReading } from '../../../src/autoscaling/policy/policy.ts'
import { policyAt } from '../../../src/autoscaling/policy/policy-at.ts'
import type { NodesNews } from '../../../src/bootstrap/network.ts'
import { Fault } from '../../../src/foundation/errors.ts'
import type { SyncStatus } from '../../../src/swarm/sync.ts'
import { policy } from '../builders/autoscaling.ts'

export const T0 = Date.UTC(2026, 0, 31, 12)

const unset = (name: string) => (): never => {
  throw new Error(`the test did not expect a call of ${name}`)
}

export const aDecision = (change: Partial<Decision> = {}): Decision => ({
  autoscaler: 'web',
  service: 'web',
  outcome: 'scaled',
  reason: 'one step up',
  from: 3,
  to: 4,
  wanted: 4,
  limits: [],
  atMs: T0,
  ...change,
})

export const anAutoscaler = (name = 'web', change: Partial<Autoscaler> = {}): Autoscaler => {
  const reading: PolicyReading = change.reading ?? {
    ...{ optedIn: true, name, policy: policy(), issues: [] },
    fields: { min: { value: '1', source: 'default' }, max: { value: '10', source: 'label' } },
  }
  return {
    name,
    reading,
    observation: {
      id: `id-${name}`,
      name,
      version: 17,
      mode: 'replicated',
      replicas: 3,
      labels: { 'autoscaler.enable': 'true', 'some.password': 'label-secret' },
      firstSeenAtMs: T0,
    },
    ...(reading.policy && { bounds: policyAt(reading.policy, T0) }),
    alerts: [],
    conditions: [{ type: 'Valid', status: true, reason: 'the policy has no errors', sinceMs: T0 }],
    nextAllowedMs: {},
    ...change,
  }
}

export const IN_SYNC: SyncStatus = { inSync: true, reason: '', lastLeaderReadAtMs: T0 }

/** A catalog of these autoscalers; `get` throws Fault `unknown-autoscaler` as the real one. */
export function fakeCatalog(
  autoscalers: readonly Autoscaler[] = [anAutoscaler()],
  change: Partial<Catalog> = {},
): Catalog {
  return {
    list: () => autoscalers,
    get: (name) => {
      const found = autoscalers.find((autoscaler) => autoscaler.name === name)
      if (found === undefined) throw new Fault('unknown-autoscaler', `there is no autoscaler ${name}`)
      return found
    },
    ofService: (service) => {
      const found = autoscalers.find(({ observation }) => observation.name === service)
      if (found === undefined) throw new Fault('unknown-autoscaler', `there is no service ${service}`)
      return found
    },
    decisions: unset('Catalog.decisions'),
    allDecisions: unset('Catalog.allDecisions'),
    history: unset('Catalog.history'),
    week: unset('Catalog.week'),
    tasks: unset('Catalog.tasks'),
    look: () => {},
    onChange: () => () => {},
    services: unset('Catalog.services'),
    sync: () => IN_SYNC,
    ...change,
  }
}

export const fakeScaler = (change: Partial<Omit<Scaler, 'stop'>> = {}): Omit<Scaler, 'stop'> => ({
  request: unset('Scaler.request'),
  explain: unset('Scaler.explain'),
  pause: unset('Scaler.pause'),
  resume: unset('Scaler.resume'),
  pausedAll: () => undefined,
  pauseAll: unset('Scaler.pauseAll'),
  resumeAll: unset('Scaler.resumeAll'),
  ...change,
})

export interface RecordingScaler {
  readonly scaler: Omit<Scaler, 'stop'>
  /** Who asked is apart. */
  readonly requests: { name: string; request: Omit<Request, 'caller'> }[]
  readonly callers: (Request['caller'] | undefined)[]
}

/** Keeps what it was asked and answers with `answer`. */
export function recordingScaler(
  answer: (name: string, request: Request) => Decision = () => aDecision(),
): RecordingScaler {
  const requests: RecordingScaler['requests'] = []
  const callers: RecordingScaler['callers'] = []
  return {
    requests,
    callers,
    scaler: fakeScaler({
      async request(name, given) {
        const { caller, ...request } = given
        requests.push({ name, request })
        callers.push(caller)
        return answer(name, given)
      },
    }),
  }
}

export interface FakeFeed extends EventFeed {
  publish(event: OrreryEvent): void
  listeners(): number
  /** News of nodes: another feed of the same stream. */
  publishNews(news: NodesNews): void
  onNews(listener: (news: NodesNews) => void): () => void
}

export function fakeFeed(): FakeFeed {
  const listeners = new Set<(event: OrreryEvent) => void>()
  const newsListeners = new Set<(news: NodesNews) => void>()
  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    publish(event) {
      for (const listener of listeners) listener(event)
    },
    listeners: () => listeners.size,
    publishNews(news) {
      for (const listener of newsListeners) listener(news)
    },
    onNews(listener) {
      newsListeners.add(listener)
      return () => newsListeners.delete(listener)
    },
  }
}
