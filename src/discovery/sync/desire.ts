/** What is desired now, of everything that Swarm and the agents say; what did not change is not worked out again. */

import type { Nodes, Services, Tasks } from '../../swarm/ports.ts'
import { type Desired, desiredOf } from '../desired/desired.ts'
import { type RangeOwners, rangeOwners, rangesText } from '../desired/range-owners.ts'
import { entriesOf, type RunningTask, type TaskEntries } from '../desired/task-entries.ts'
import type { Settings } from '../facts.ts'
import type { Containers } from './containers.ts'

export interface DesireDeps {
  readonly tasks: Pick<Tasks, 'list'>
  readonly services: Pick<Services, 'get'>
  readonly nodes: Pick<Nodes, 'list' | 'get'>
  readonly containers: Containers
  readonly now: () => number
}

export interface Desire {
  /** Worked out anew only after a change, or when a grace ends. */
  of(settings: Settings): Desired
  /** Something that it is made of has changed. */
  changed(): void
}

export function createDesire({ tasks, services, nodes, containers, now }: DesireDeps): Desire {
  /** What a new leader calls unknown for half a minute before it calls it down counts too. */
  const notReadySinceMs = new Map<string, number>()
  let made = new Map<string, { readonly from: RunningTask; readonly result: TaskEntries }>()
  let known: Desired | undefined
  let ranges: { readonly text: string; readonly owner: RangeOwners } | undefined

  /** What was judged of an entry holds for as long as no range changes. */
  const rangeOwner = (): RangeOwners => {
    const all = nodes.list()
    const text = rangesText(all)
    if (ranges?.text !== text) ranges = { text, owner: rangeOwners(all) }
    return ranges.owner
  }

  const lookAtNodes = () => {
    const notReady = new Set(
      nodes
        .list()
        .filter(({ state }) => state !== 'ready')
        .map(({ id }) => id),
    )
    for (const id of notReadySinceMs.keys()) if (!notReady.has(id)) notReadySinceMs.delete(id)
    for (const id of notReady) if (!notReadySinceMs.has(id)) notReadySinceMs.set(id, now())
  }

  const workOut = (settings: Settings): Desired => {
    lookAtNodes()
    containers.read()
    const next: typeof made = new Map()
    const entriesFor = (from: RunningTask): TaskEntries => {
      const before = made.get(from.task.id)
      const one =
        before !== undefined && isSame(before.from, from) ? before : { from, result: entriesOf(from, settings) }
      next.set(from.task.id, one)
      return one.result
    }
    const world = {
      tasks: tasks.list(),
      service: (id: string) => services.get(id),
      node: (id: string) => nodes.get(id),
      container: containers.get,
      notReadySinceMs,
      rangeOwner: rangeOwner(),
    }
    const desired = desiredOf(world, settings, now(), entriesFor)
    made = next
    return desired
  }

  return {
    of(settings) {
      if (known === undefined || now() >= (known.dueAtMs ?? Number.POSITIVE_INFINITY)) known = workOut(settings)
      return known
    },
    changed() {
      known = undefined
    },
  }
}

const isSame = (one: RunningTask, other: RunningTask): boolean =>
  one.task.slot === other.task.slot &&
  one.container === other.container &&
  one.service.name === other.service.name &&
  (one.service.labels === other.service.labels ||
    JSON.stringify(one.service.labels) === JSON.stringify(other.service.labels)) &&
  one.node.hostname === other.node.hostname &&
  one.node.address === other.node.address
