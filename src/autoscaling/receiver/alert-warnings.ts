/** What is wrong with an alert, once: it comes again and again until somebody mends its rule. */

import type { Logger } from '../../foundation/logger.ts'
import type { Notification } from '../alerts/notification.ts'
import type { AlertResult } from '../autoscaler.ts'

const MAX_REMEMBERED = 1000

export function createAlertWarnings(logger: Logger) {
  const told = new Set<string>()
  return {
    tell({ sender, receiver }: Notification, results: readonly AlertResult[]): void {
      for (const result of results) {
        if (result.kind !== 'error' || result.retryAfterMs !== undefined) continue
        const { fingerprint, code, detail } = result
        const what = JSON.stringify([receiver, fingerprint, code])
        if (told.has(what)) continue
        if (told.size >= MAX_REMEMBERED) told.clear()
        told.add(what)
        logger.warn({ event: 'alert-refused', sender, receiver, fingerprint, code }, detail)
      }
    },
  }
}
