/** Says in the log what stands in the way of an entry, once, and that it is over. */
import type { Logger } from '../../foundation/logger.ts'
import { pauseFor } from '../../foundation/wakeable-timer.ts'
import type { EntryIssue } from '../entry.ts'
import type { Settings } from '../facts.ts'
import type { Desire } from './desire.ts'
import type { CatalogKeeper } from './keep-catalog.ts'

const EVERY_MS = 1_000

export async function logIssues(deps: {
  readonly settings: () => Settings | undefined
  readonly desire: Pick<Desire, 'of'>
  readonly keeper: Pick<CatalogKeeper, 'issues'>
  readonly logger: Logger
  readonly signal: AbortSignal
}): Promise<void> {
  const { settings, desire, keeper, logger, signal } = deps
  let told = new Map<string, EntryIssue>()
  while (!signal.aborted) {
    const current = settings()
    if (current !== undefined) {
      const issues = [...desire.of(current).issues, ...keeper.issues()]
      const now = new Map(issues.map((issue) => [JSON.stringify(issue), issue]))
      for (const [text, issue] of now) {
        if (told.has(text)) continue
        const { service, key, value, message, effect } = issue
        logger.warn(
          { event: 'registration-issue', service, key, value, effect },
          `${service}: ${key}=${value} ${message}`,
        )
      }
      for (const [text, { service, key, value }] of told)
        if (!now.has(text))
          logger.info({ event: 'registration-issue-over', service, key, value }, `${service}: ${key} is right now`)
      told = now
    }
    await pauseFor(EVERY_MS, signal)
  }
}
