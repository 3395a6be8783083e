/** A server for tests that listens nowhere, and one that does when a real socket matters. */
import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import { createLogger } from '../../../src/adapters/logging/logger.ts'
import { type ListenDeps, type Listening, listen } from '../../../src/http/listen.ts'
import type { ServerDeps } from '../../../src/http/route-group.ts'
import type { AutoscalingDeps, WebhookCounters } from '../../../src/http/routes/autoscaling/deps.ts'
import { autoscalingRoutes } from '../../../src/http/routes/autoscaling/routes.ts'
import { dockerScalerRoutes } from '../../../src/http/routes/compat/docker-scaler.ts'
import { orbiterRoutes } from '../../../src/http/routes/compat/orbiter.ts'
import { type RegistrationRouteDeps, registrationRoutes } from '../../../src/http/routes/discovery/registrations.ts'
import { type NetworkRouteDeps, networkRoutes } from '../../../src/http/routes/networks/networks.ts'
import { buildServer } from '../../../src/http/server.ts'
import { fakeNetworks } from '../builders/network-views.ts'
import { alertReceiver } from './alerts.ts'
import { type FakeFeed, fakeCatalog, fakeFeed, fakeScaler, T0 } from './fake-use-cases.ts'

export const fakeMetrics = (): ServerDeps['metrics'] &
  WebhookCounters & { readonly answered: number[]; readonly alerts: string[] } => {
  const answered: number[] = []
  const alerts: string[] = []
  return {
    answered,
    alerts,
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    text: async () => 'orrery_in_sync 1\n',
    webhookAnswered: (status) => answered.push(status),
    alertAnswered: (result) => alerts.push(result),
  }
}

export interface Served
  extends Partial<Omit<ServerDeps, 'groups' | 'sync' | 'metrics' | 'logger'>>,
    Partial<Omit<AutoscalingDeps, 'metrics' | 'feed'>>,
    Partial<Pick<NetworkRouteDeps, 'networks' | 'agents'>>,
    Partial<RegistrationRouteDeps> {
  readonly feed?: FakeFeed
  readonly metrics?: ReturnType<typeof fakeMetrics>
  readonly serverPrefix?: string
  /** Every line that is logged ends up here. */
  readonly lines?: string[]
}

/** Every capability's routes over use cases in memory. */
export function server(change: Served = {}): FastifyInstance {
  const {
    lines = [],
    catalog = fakeCatalog(),
    scaler = fakeScaler(),
    feed = fakeFeed(),
    metrics = fakeMetrics(),
  } = change
  const { networks = fakeNetworks([], []), agents = NO_AGENTS, serverPrefix, alerts, ...rest } = change
  const { registrations = NO_REGISTRATIONS, events = () => () => {} } = change
  const now = change.now ?? (() => T0)
  const logger = createLogger({ level: 'trace', destination: { write: (line) => lines.push(line) } })
  const sync = () => catalog.sync()
  const called = {
    ...{ catalog, scaler, feed, metrics },
    alerts: alerts ?? alertReceiver({ catalog, scaler, logger, now }),
  }
  const groups = [
    autoscalingRoutes(called),
    orbiterRoutes(called),
    dockerScalerRoutes(called, serverPrefix),
    networkRoutes({
      ...{ networks, agents, sync },
      events: (listener) => feed.onNews((news) => listener(news, () => ({ type: 'nodes', data: news }))),
    }),
    registrationRoutes({ registrations, events }),
  ]
  const {
    access = { trustedCidrs: [] },
    controller = A_CONTROLLER,
    stopping,
    heartbeatMs,
    lingerMs,
    dashboardFolder,
  } = rest
  const app = buildServer({
    ...{ groups, sync, metrics, access, logger, now, controller },
    ...(stopping && { stopping }),
    ...(dashboardFolder !== undefined && { dashboardFolder }),
    ...(heartbeatMs !== undefined && { heartbeatMs }),
    ...(lingerMs !== undefined && { lingerMs }),
  })
  onTestFinished(async () => app.close())
  return app
}

const A_CONTROLLER: ServerDeps['controller'] = {
  ...{ id: 'c1', version: '0.0.0-test', hostname: 'manager1', engine: '/run/docker.sock', dryRun: false },
  ui: 'on',
  features: () => ({ networks: true }),
  conditions: () => [],
}

const NO_AGENTS: NetworkRouteDeps['agents'] = {
  report() {
    throw new Error('the test did not expect a report')
  },
}

const NO_REGISTRATIONS: RegistrationRouteDeps['registrations'] = {
  async view() {
    throw new Error('the test did not expect a look at registrations')
  },
  async resync() {
    throw new Error('the test did not expect a resync')
  },
}

export async function listening(
  app: FastifyInstance,
  change: Partial<ListenDeps> = {},
): Promise<Listening & { port: number; url: string }> {
  const open = await listen({ app, addresses: [{ host: '127.0.0.1', port: 0 }], ...change })
  onTestFinished(async () => open.close(0))
  return { ...open, port: open.addresses[0]!.port, url: open.urls[0]! }
}
