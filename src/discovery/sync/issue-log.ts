/** What stands in the way of entries, in the log of a controller and of an agent: once, and when it is over. */
import { createOnceLog } from '../../foundation/log-once.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { EntryIssue } from '../entry.ts'

export const issueLine = ({ service, key, value, message }: EntryIssue): string =>
  `${service}: ${key}=${value} ${message}`

/** Takes all that there are now. */
export const createIssueLog = (logger: Logger): ((issues: readonly EntryIssue[]) => void) =>
  createOnceLog<EntryIssue>({
    keyOf: (issue) => JSON.stringify(issue),
    begun(issue) {
      const { service, key, value, effect } = issue
      logger.warn({ event: 'registration-issue', service, key, value, effect }, issueLine(issue))
    },
    over({ service, key, value }) {
      logger.info({ event: 'registration-issue-over', service, key, value }, `${service}: ${key} is corrected`)
    },
  })
