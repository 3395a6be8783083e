/** A server for tests that listens nowhere, and one that does when a real socket matters. */
import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import { createLogger } from '../../../src/adapters/logging/logger.ts'
import { type ListenDeps, type Listening, listen } from '../../../src/http/listen.ts'
import { buildServer } from '../../../src/http/server.ts'
import type { MetricsPage, ServerDeps } from '../../../src/http/server-deps.ts'
import { alertReceiver } from './alerts.ts'
import { fakeCatalog, fakeFeed, fakeScaler, T0 } from './fake-use-cases.ts'

export const fakeMetrics = (): MetricsPage & { readonly answered: number[]; readonly alerts: string[] } => {
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

/** Every line that is logged ends up in `lines`. */
export function server(change: Partial<ServerDeps> & { readonly lines?: string[] } = {}): FastifyInstance {
  const { lines = [], catalog = fakeCatalog(), scaler = fakeScaler(), ...deps } = change
  const now = deps.now ?? (() => T0)
  const logger = createLogger({ level: 'trace', destination: { write: (line) => lines.push(line) } })
  const app = buildServer({
    catalog,
    scaler,
    alerts: alertReceiver({ catalog, scaler, logger, now }),
    feed: fakeFeed(),
    metrics: fakeMetrics(),
    access: { trustedCidrs: [] },
    logger,
    now,
    version: '0.0.0-test',
    ...deps,
  })
  onTestFinished(async () => app.close())
  return app
}

export async function listening(
  app: FastifyInstance,
  change: Partial<ListenDeps> = {},
): Promise<Listening & { port: number; url: string }> {
  const open = await listen({ app, addresses: [{ host: '127.0.0.1', port: 0 }], ...change })
  onTestFinished(async () => open.close(0))
  return { ...open, port: open.addresses[0]!.port, url: open.urls[0]! }
}
