/** The receiver of notifications over use cases of the test's choice, with what is remembered in memory. */
import { createHash } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { ALERT_WINDOW_MS, EMPTY_ALERT_STATE } from '../../../src/autoscaling/alerts/alert-state.ts'
import type { Alerts, Catalog } from '../../../src/autoscaling/autoscaler.ts'
import type { AlertStore } from '../../../src/autoscaling/ports.ts'
import { type AlertBook, createAlertBook } from '../../../src/autoscaling/receiver/alert-book.ts'
import { type AlertReceiverDeps, createAlertReceiver } from '../../../src/autoscaling/receiver/alert-receiver.ts'
import { createInMemoryStore } from '../../../src/autoscaling/writer/in-memory-store.ts'
import { effectiveState } from '../../../src/autoscaling/writer/writer-context.ts'

const quiet = () => {}
export const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet }

export const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')

export function alertBook(store: AlertStore = createInMemoryStore(EMPTY_ALERT_STATE)): AlertBook {
  const book = createAlertBook({ store, logger: silent })
  onTestFinished(() => book.close())
  return book
}

export const alertReceiver = (
  deps: Pick<AlertReceiverDeps, 'scaler'> & {
    catalog: Pick<Catalog, 'get' | 'ofService'>
  } & Partial<AlertReceiverDeps>,
): Alerts =>
  createAlertReceiver({
    book: deps.book ?? alertBook(),
    tell: quiet,
    policies: { find: deps.catalog.get, findByService: deps.catalog.ofService },
    stateOf: (service) => effectiveState(service, undefined),
    digest,
    logger: silent,
    now: Date.now,
    asksAlertmanager: false,
    alertWindowMs: ALERT_WINDOW_MS,
    ...deps,
  })
