/** What has to be written so that the catalog says what is desired: nothing that is not ours is ever touched. Pure. */
import type { Desired } from '../desired/desired.ts'
import { CHECK_NAME, checkIdOf, consulNodeOf, type Entry, type EntryIssue, MANAGED_BY } from '../entry.ts'
import {
  type CatalogCheck,
  type CatalogNode,
  type CatalogService,
  type CatalogState,
  type CatalogStep,
  type CatalogWrite,
  EXTERNAL_NODE,
} from './catalog.ts'

export interface Difference {
  /** Deletions first: an address is free before somebody else gets it. */
  readonly steps: readonly CatalogStep[]
  readonly issues: readonly EntryIssue[]
}

export const isOurs = ({ meta }: Pick<CatalogService, 'meta'>, cluster: string): boolean =>
  meta['managed-by'] === MANAGED_BY && meta.cluster === cluster

/** `spareNodes`: Consul nodes that may go once nothing is on them. */
export function differenceOf(
  desired: Pick<Desired, 'entries' | 'kept'>,
  actual: CatalogState,
  { cluster, spareNodes }: { readonly cluster: string; readonly spareNodes: ReadonlySet<string> },
): Difference {
  const issues: EntryIssue[] = []
  const owners = new Map([...desired.entries.values()].map(({ address, taskId }) => [address, taskId]))
  const deletions: CatalogStep[] = []
  for (const node of actual.values()) {
    for (const service of node.services.values()) {
      if (!isOurs(service, cluster)) continue
      const entry = desired.entries.get(service.id)
      if (entry !== undefined && consulNodeOf(entry.hostname) === node.name) continue
      const task = service.meta.task ?? ''
      const isTaken = (owners.get(service.address) ?? task) !== task
      if (desired.kept.has(task) && !isTaken) continue
      const deletion = {
        kind: 'delete-service',
        node: node.name,
        id: service.id,
        name: service.name,
        index: service.index,
      } as const
      deletions.push({ subject: service.id, writes: [deletion] })
    }
    if (node.services.size === 0 && node.checks.size === 0 && spareNodes.has(node.name) && isExternal(node))
      deletions.push({
        subject: `node ${node.name}`,
        writes: [{ kind: 'delete-node', node: node.name, index: node.index }],
      })
  }

  const nodes = new Map<string, CatalogStep>()
  const settings: CatalogStep[] = []
  for (const entry of desired.entries.values()) {
    const name = consulNodeOf(entry.hostname)
    const node = actual.get(name)
    const refusal = refusalOf(entry, node, cluster)
    if (refusal !== undefined) {
      issues.push(refusal)
      continue
    }
    const step = nodeStep(entry, node, cluster)
    if (step !== undefined) nodes.set(name, step)
    const writes = entryWrites(entry, node)
    if (writes.length > 0) settings.push({ subject: entry.id, writes })
  }
  return { steps: [...deletions, ...nodes.values(), ...settings], issues }
}

/** A node of ours whose mark somebody wrote over; a Consul agent's own node has the check of its gossip. */
const hasOurs = (node: CatalogNode, cluster: string): boolean =>
  !node.checks.has('serfHealth') && [...node.services.values()].some((service) => isOurs(service, cluster))

const isExternal = ({ meta }: CatalogNode): boolean => meta['external-node'] === 'true'

function refusalOf(entry: Entry, node: CatalogNode | undefined, cluster: string): EntryIssue | undefined {
  const refused = (key: string, value: string, message: string) =>
    ({ service: entry.serviceName, key, value, message, effect: 'refused' }) as const
  if (node === undefined) return undefined
  if (!isExternal(node) && !hasOurs(node, cluster)) {
    const message = `is somebody else's node in Consul (no external-node=true in its Meta): rename it, entries of ${entry.hostname} belong there`
    return refused('node', node.name, message)
  }
  const there = node.services.get(entry.id)
  if (there === undefined || isOurs(there, cluster)) return undefined
  return refused(
    'id',
    entry.id,
    'is there already and not ours (another managed-by or cluster in its Meta): it is left alone',
  )
}

/** A node is made, and its address kept while nobody else has anything on it: two hosts of one name share theirs. */
function nodeStep(entry: Entry, node: CatalogNode | undefined, cluster: string): CatalogStep | undefined {
  const name = consulNodeOf(entry.hostname)
  const address = entry.hostAddress === '' ? entry.address : entry.hostAddress
  const step = (of: Pick<CatalogNode, 'address' | 'index' | 'meta'>): CatalogStep => ({
    subject: `node ${name}`,
    writes: [{ kind: 'set-node', node: name, ...of, meta: { ...of.meta, ...EXTERNAL_NODE } }],
  })
  if (node === undefined) return step({ address, meta: {}, index: 0 })
  const { meta, index } = node
  const isAlone = [...node.services.values()].every(
    (service) => isOurs(service, cluster) && service.meta.node === entry.nodeId,
  )
  const hasMoved = entry.hostAddress !== '' && node.address !== address && isAlone
  if (isExternal(node) && !hasMoved) return undefined
  return step({ address: hasMoved ? address : node.address, meta, index })
}

function entryWrites(entry: Entry, node: CatalogNode | undefined): CatalogWrite[] {
  const name = consulNodeOf(entry.hostname)
  const [known, check] = [node?.services.get(entry.id), node?.checks.get(checkIdOf(entry.id))]
  const service = serviceOf(entry, known?.index ?? 0)
  const wanted: CatalogCheck = {
    id: checkIdOf(entry.id),
    name: CHECK_NAME,
    status: 'passing',
    serviceId: entry.id,
    index: check?.index ?? 0,
  }
  const writes: CatalogWrite[] = []
  if (known === undefined || !isSame(known, service)) writes.push({ kind: 'set-service', node: name, service })
  if (check === undefined || check.status !== wanted.status || check.serviceId !== wanted.serviceId)
    writes.push({ kind: 'set-check', node: name, check: wanted })
  return writes
}

function serviceOf({ id, name, address, port, tags, meta }: Entry, index: number): CatalogService {
  return { id, name, address, port, tags, meta, index }
}

/** Whether the catalog says something else of it than is desired. */
export const entryDiffers = (entry: Entry, there: CatalogService): boolean => !isSame(serviceOf(entry, 0), there)

const isSame = (one: CatalogService, other: CatalogService): boolean => essenceOf(one) === essenceOf(other)

/** What is read or desired is compared again and again and never changes. */
const essences = new WeakMap<object, string>()

function essenceOf(service: CatalogService): string {
  const known = essences.get(service.meta)
  if (known !== undefined) return known
  const { name, address, port, tags, meta } = service
  const pairs = Object.entries(meta).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const essence = JSON.stringify([name, address, port, tags, pairs])
  essences.set(meta, essence)
  return essence
}
