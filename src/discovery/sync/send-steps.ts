/** Sends steps to Consul until what it takes of them is written; what it refuses is set aside for a while, and the rest goes on. */
import type { Clock } from '../../foundation/clock.ts'
import { Fault } from '../../foundation/errors.ts'
import type { Desired } from '../desired/desired.ts'
import type { EntryIssue } from '../entry.ts'
import type { CatalogStep, CatalogWrite } from '../plan/catalog.ts'
import { divide } from '../plan/transactions.ts'
import type { ConsulCatalog, TransactionResult } from '../ports.ts'
import { createRefusals } from './refusals.ts'

/** Consul says that the session does not hold the lock. */
export class NotWriter extends Error {}

export interface SenderDeps {
  readonly catalog: Pick<ConsulCatalog, 'write'>
  readonly now: Clock
  readonly refusedForMs: number
  /** One transaction is in the catalog; `indexOf`: what Consul answered for a write. */
  readonly onWritten: (writes: readonly CatalogWrite[], indexOf: (write: CatalogWrite) => number) => void
  /** Something is not as it was read. */
  readonly onStale: () => void
}

export interface StepSender {
  /** Without those that Consul refused lately as they are now; what is not desired any more is forgotten. */
  dueOf(steps: readonly CatalogStep[], desired: Desired): readonly CatalogStep[]
  /** Resolves with the transactions that it took. Throws NotWriter, or Fault `consul-unavailable`. */
  send(transaction: readonly CatalogStep[], desired: Desired, session: string): Promise<number>
  /** What Consul refuses. */
  issues(): readonly EntryIssue[]
}

const NO_RIGHT =
  ' - the token of CONSUL_HTTP_TOKEN_FILE has no write over it; docs/discovery.md has the policy it needs'

export function createSender({ catalog, now, refusedForMs, onWritten, onStale }: SenderDeps): StepSender {
  const refusals = createRefusals(now, refusedForMs)

  const setAside = (step: CatalogStep, reason: string, desired: Desired) => {
    const service = desired.entries.get(step.subject)?.serviceName ?? ''
    const hint = /permission denied/i.test(reason) ? NO_RIGHT : ''
    const message = `is refused by Consul: ${reason.slice(0, 300)}${hint}`
    const issue = { service, key: 'entry', value: step.subject, message, effect: 'refused' } as const
    refusals.setAside(step.subject, textOf(step), issue)
  }

  /** Or why Consul refuses it as a whole. */
  const written = async (writes: readonly CatalogWrite[], session: string): Promise<TransactionResult | string> => {
    try {
      return await catalog.write(writes, session)
    } catch (error) {
      if (error instanceof Fault && error.code === 'consul-refused') return error.message
      throw error
    }
  }

  /** Sends one transaction until what Consul takes of it is written. */
  const send = async (transaction: readonly CatalogStep[], desired: Desired, session: string): Promise<number> => {
    let sent = 0
    for (let steps = transaction; steps.length > 0; ) {
      const writes = steps.flatMap((step) => step.writes)
      const result = await written(writes, session)
      sent += 1
      if (typeof result === 'string') {
        // Refused as a whole, by its size for one: it is one of them.
        const [first, ...others] = steps
        if (first === undefined || others.length > 0) {
          const half = Math.ceil(steps.length / 2)
          sent += await send(steps.slice(0, half), desired, session)
          return sent + (await send(steps.slice(half), desired, session))
        }
        setAside(first, result, desired)
        return sent
      }
      if (result.kind === 'not-writer') throw new NotWriter()
      if (result.kind === 'done') {
        for (const step of steps) refusals.forget(step.subject)
        onWritten(writes, result.indexOf)
        return sent
      }
      const { rest, failed } = divide(steps, result.failures)
      if (failed.length === 0) throw new Error('Consul refused a transaction and did not say what of it')
      for (const { step, reason, isStale } of failed) {
        if (isStale) onStale()
        else setAside(step, reason, desired)
      }
      steps = rest
    }
    return sent
  }

  return {
    dueOf(steps, { entries }) {
      refusals.keep((id) => entries.has(id) || id.startsWith('node '))
      return steps.filter((step) => !refusals.isSetAside(step.subject, () => textOf(step)))
    },
    send,
    issues: refusals.issues,
  }
}

/** Without what is compared with: a refusal is of what was written. */
const textOf = ({ writes }: CatalogStep): string =>
  JSON.stringify(writes, (key, value: unknown) => (key === 'index' ? undefined : value))
