/** What is registered and what should be, side by side; the use cases behind routes and commands. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createCoalescedRead } from '../../foundation/coalesced-read.ts'
import { createConditionTimes } from '../../foundation/conditions.ts'
import { Fault } from '../../foundation/errors.ts'
import type { Logger } from '../../foundation/logger.ts'
import { pauseFor } from '../../foundation/wakeable-timer.ts'
import type { Desired } from '../desired/desired.ts'
import { checkIdOf, consulNodeOf, type Entry, type EntryIssue } from '../entry.ts'
import type { Settings } from '../facts.ts'
import type { CatalogService, CatalogState } from '../plan/catalog.ts'
import { entryDiffers, isOurs } from '../plan/difference.ts'
import type { ConsulCatalog } from '../ports.ts'
import type { Registration, RegistrationCondition, Registrations, RegistrationView } from '../registrations.ts'
import type { Desire } from './desire.ts'
import { createIssueLog, issueLine } from './issue-log.ts'
import type { CatalogKeeper } from './keep-catalog.ts'

export interface RegistrationsDeps {
  /** `agent`: the agents write, and the keeper only looks. */
  readonly mode?: RegistrationView['mode']
  readonly keeper: CatalogKeeper
  readonly catalog: Pick<ConsulCatalog, 'address' | 'read'>
  readonly settings: () => Settings | undefined
  readonly desire: Pick<Desire, 'of'>
  readonly hostnames: () => readonly string[]
  readonly notInSync: () => string
  readonly now: () => number
  readonly signal: AbortSignal
}

const RESYNC_PATIENCE_MS = 10_000

export function createRegistrations(deps: RegistrationsDeps): Registrations {
  const { mode = 'catalog', keeper, catalog, settings, desire, hostnames, now, signal } = deps
  const timed = createConditionTimes<RegistrationCondition['type']>(now)

  let asked: CatalogState = new Map()
  const askOnce = createCoalescedRead(async () => {
    asked = await catalog.read(hostnames().map(consulNodeOf), signal)
  })
  /** However many look: Consul is asked once at a time. */
  const askConsul = async (): Promise<CatalogState> => {
    await askOnce()
    return asked
  }

  const current = (): Settings => {
    const found = settings()
    if (found !== undefined) return found
    throw new Fault('not-in-sync', deps.notInSync(), { retryAfterMs: 2_000 })
  }

  /** Without a fault where the Swarm cannot be read. */
  const known = () => {
    const at = settings()
    const desired = at === undefined ? undefined : desire.of(at)
    return { at, desired, issues: issuesOf(desired, keeper) }
  }

  /** `rows` absent: this controller does not know what is in Consul. */
  const conditionsOf = (issues: readonly EntryIssue[], rows?: readonly Registration[]): RegistrationCondition[] => {
    const fault = keeper.fault()
    const pending = rows?.filter(({ state }) => state !== 'registered' && state !== 'kept')
    const [late] = pending ?? []
    const reason = late
      ? `${pending?.length} entries are not as desired, ${late.id} for one`
      : 'everything desired is in Consul'
    const [first] = issues
    const wrong = first && issueLine(first)
    return timed('consul', [
      { type: 'ConsulReachable', status: fault === '', reason: fault || `Consul answers at ${catalog.address}` },
      ...(pending ? [{ type: 'Registered' as const, status: late === undefined, reason }] : []),
      { type: 'KeysUnderstood', status: wrong === undefined, reason: wrong ?? 'every key could be carried out' },
    ])
  }

  return {
    conditions() {
      const { at, desired, issues } = known()
      const actual = keeper.actual()
      // One that does not write does not know what is in Consul.
      const rows = at && desired && actual && rowsOf({ desired, actual, cluster: at.cluster, issues })
      return conditionsOf(issues, rows)
    },
    async view() {
      const at = current()
      const desired = desire.of(at)
      // What agents have written since it was last looked at is known to Consul alone.
      const known = mode === 'agent' ? undefined : keeper.actual()
      const actual = known ?? (await askConsul())
      const issues = issuesOf(desired, keeper)
      const registrations = rowsOf({ desired, actual, cluster: at.cluster, issues })
      const lastSync = keeper.lastSync()
      const view: RegistrationView = {
        mode,
        role: mode === 'agent' ? 'agents' : keeper.isWriter() ? 'writer' : 'standby',
        consul: catalog.address,
        ...(lastSync !== undefined && { lastSync }),
        conditions: conditionsOf(issues, registrations),
        registrations,
        issues,
      }
      return view
    },
    figures() {
      const { at, desired, issues } = known()
      const actual = keeper.actual()
      const lastSync = keeper.lastSync()
      return {
        desired: desired?.entries.size ?? 0,
        ...(actual !== undefined && at !== undefined && { registered: countOurs(actual, at.cluster) }),
        isWriter: keeper.isWriter(),
        isReachable: keeper.fault() === '',
        refused: issues.filter(({ effect }) => effect === 'refused').length,
        leftOut: issues.filter(({ effect }) => effect === 'left-out').length,
        ...(lastSync !== undefined && { lastSyncAtMs: lastSync.atMs }),
      }
    },
    async resync() {
      current()
      if (!keeper.isWriter()) return undefined
      const before = keeper.lastSync()
      keeper.nudge(true)
      for (const deadline = now() + RESYNC_PATIENCE_MS; now() < deadline; await sleep(20)) {
        const sync = keeper.lastSync()
        if (sync !== before && sync?.isFull === true) return sync
        if (keeper.fault() !== '') break
      }
      throw new Fault('consul-unavailable', keeper.fault() || 'Consul took too long', { retryAfterMs: 2_000 })
    },
  }
}

const countOurs = (actual: CatalogState, cluster: string): number =>
  [...actual.values()].reduce(
    (sum, { services }) => sum + [...services.values()].filter((service) => isOurs(service, cluster)).length,
    0,
  )

interface Sides {
  readonly desired: Desired
  readonly actual: CatalogState
  readonly cluster: string
  readonly issues: readonly EntryIssue[]
}

function rowsOf({ desired, actual, cluster, issues }: Sides): Registration[] {
  const rows: Registration[] = []
  const refusals = new Map(
    issues.flatMap(({ effect, value, message }) => (effect === 'refused' ? [[value, message]] : [])),
  )
  for (const entry of desired.entries.values()) {
    const name = consulNodeOf(entry.hostname)
    const node = actual.get(name)
    const there = node?.services.get(entry.id)
    const isMissing = there === undefined || node?.checks.get(checkIdOf(entry.id)) === undefined
    const others = there !== undefined && entryDiffers(entry, there) ? differences(entry, there) : []
    // What was refused is its own, or the Consul node that it belongs to.
    const refusal = refusals.get(entry.id) ?? refusals.get(name) ?? refusals.get(`node ${name}`)
    const missing = refusal ?? (there === undefined ? 'it is not written yet' : 'its check is not written yet')
    const told = isMissing ? missing : others.length > 0 ? [...others, refusal].filter(Boolean).join('; ') : undefined
    rows.push({
      ...shownOf(entry),
      ...{ service: entry.serviceName, taskId: entry.taskId, node: name },
      state: isMissing ? 'missing' : others.length > 0 ? 'differs' : 'registered',
      ...(told !== undefined && { reason: told }),
      desired: entry,
    })
  }
  for (const node of actual.values()) {
    for (const service of node.services.values()) {
      if (!isOurs(service, cluster) || desired.entries.has(service.id)) continue
      const isKept = desired.kept.has(service.meta.task ?? '')
      const { service: serviceName = '', task: taskId = '' } = service.meta
      rows.push({
        ...shownOf(service),
        ...{ service: serviceName, taskId, node: node.name },
        ...(isKept ? { state: 'kept', reason: KEPT } : { state: 'extra', reason: EXTRA }),
      })
    }
  }
  return rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))
}

const KEPT = 'it stays: its node is away, or its agent has not said what became of its task'
const EXTRA = 'no running task asks for it: it is on its way out'

/** `tags are ["blue"] there, and should be ["green"]`; none: it is there as desired. */
const differences = (entry: Entry, there: CatalogService): readonly string[] =>
  (['name', 'address', 'port', 'tags', 'meta'] as const).flatMap((field) => {
    const [wanted, found] = [inOrder(entry[field]), inOrder(there[field])]
    return wanted === found
      ? []
      : [`${field} ${field === 'tags' ? 'are' : 'is'} ${found} there, and should be ${wanted}`]
  })

const inOrder = (value: Entry['name' | 'port' | 'tags' | 'meta']): string =>
  typeof value === 'object' && !Array.isArray(value)
    ? JSON.stringify(Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))))
    : JSON.stringify(value)

/** What an entry shows whether it is desired or there. */
const shownOf = ({ id, name, address, port, tags, meta }: Entry | CatalogService) => ({
  ...{ id, name, address, port, tags, meta },
})

/** `desired` absent: the Swarm cannot be read now. */
const issuesOf = (desired: Desired | undefined, keeper: Pick<CatalogKeeper, 'issues'>): readonly EntryIssue[] => [
  ...(desired?.issues ?? []),
  ...keeper.issues(),
]

const LOG_EVERY_MS = 1_000

/** Says in the log what stands in the way of an entry, once, and that it is over. */
export async function logIssues(
  { settings, desire, keeper, signal }: Pick<RegistrationsDeps, 'settings' | 'desire' | 'keeper' | 'signal'>,
  logger: Logger,
): Promise<void> {
  const log = createIssueLog(logger)
  for (; !signal.aborted; await pauseFor(LOG_EVERY_MS, signal)) {
    const current = settings()
    if (current !== undefined) log(issuesOf(desire.of(current), keeper))
  }
}
