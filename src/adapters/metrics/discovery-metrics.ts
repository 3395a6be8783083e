/** The gauges of what is registered in Consul. */
import { Counter } from 'prom-client'
import type { Registrations } from '../../discovery/registrations.ts'
import { type MetricsRegistry, scrapedGauges } from './registry.ts'

/** Called with what each sync wrote. */
export type CountSync = (sync: { readonly transactions: number; readonly writes: number }) => void

export function measureDiscovery(metrics: MetricsRegistry, figures: Registrations['figures']): CountSync {
  const gauge = scrapedGauges(metrics)
  const counter = (name: string, help: string) =>
    new Counter({ name: `orrery_${name}`, help, registers: metrics.registers })
  const transactionsTotal = counter('consul_transactions_total', 'Transactions that this controller sent to Consul.')
  const writesTotal = counter('consul_writes_total', 'Writes in them: nodes, entries and checks.')
  const entries = gauge('registrations', 'Entries: desired, and registered as far as the writer knows.', ['state'])
  const issues = gauge('registration_issues', 'Keys and entries that could not be carried out.', ['effect'])
  const writer = gauge('consul_writer', '1 while this controller writes to Consul.')
  const reachable = gauge('consul_reachable', '1 while Consul answers as it should.')
  const lastSync = gauge(
    'consul_last_sync_timestamp',
    'When this controller last synchronized Consul, seconds since the epoch.',
  )
  metrics.beforeScrape(() => {
    const { desired, registered, refused, leftOut, isWriter, isReachable, lastSyncAtMs } = figures()
    entries.set({ state: 'desired' }, desired)
    if (registered !== undefined) entries.set({ state: 'registered' }, registered)
    issues.set({ effect: 'refused' }, refused)
    issues.set({ effect: 'left-out' }, leftOut)
    writer.set(isWriter ? 1 : 0)
    reachable.set(isReachable ? 1 : 0)
    // A gauge without labels shows 0 after a reset: a time that there is not must not be one.
    if (lastSyncAtMs === undefined) lastSync.remove()
    else lastSync.set(lastSyncAtMs / 1000)
  })
  return ({ transactions, writes }) => {
    transactionsTotal.inc(transactions)
    writesTotal.inc(writes)
  }
}
