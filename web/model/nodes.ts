/** The map: a column a node, a chip a task, and a column of those that have no node. Pure. */
import type { SwarmNode, Task } from '../api-types.ts'

export interface Chip {
  readonly id: string
  readonly label: string
  readonly service: string
  readonly tone: 'ok' | 'busy' | 'bad'
  /** Swarm's own words. */
  readonly text: string
  /** 0 to 11: one colour a service, the same at each look. */
  readonly hue: number
}

export interface Column {
  readonly node: SwarmNode | undefined
  readonly chips: readonly Chip[]
  readonly left: number
}

const ENDED = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'])

/** Nodes stay in their order: managers first, then by name. A chip that does not fit is counted. */
export function columns(nodes: readonly SwarmNode[], tasks: readonly Task[], most = 60): Column[] {
  const byNode = new Map<string, Task[]>()
  for (const task of tasks) {
    if (ENDED.has(task.desiredState) && ENDED.has(task.state)) continue
    const id = task.node?.id ?? ''
    byNode.set(id, [...(byNode.get(id) ?? []), task])
  }
  const sorted = [...nodes].sort(
    (a, b) => a.role.localeCompare(b.role) || a.hostname.localeCompare(b.hostname) || a.id.localeCompare(b.id),
  )
  const known = new Set(nodes.map(({ id }) => id))
  const homeless = [...byNode].filter(([id]) => !known.has(id)).flatMap(([, found]) => found)
  const all = sorted.map((node) => column(node, byNode.get(node.id) ?? [], most))
  return homeless.length === 0 ? all : [...all, column(undefined, homeless, most)]
}

function column(node: SwarmNode | undefined, tasks: readonly Task[], most: number): Column {
  const chips = tasks
    .map(chip)
    .sort(
      (a, b) =>
        TONES.indexOf(a.tone) - TONES.indexOf(b.tone) || a.label.localeCompare(b.label, undefined, { numeric: true }),
    )
  return { node, chips: chips.slice(0, most), left: Math.max(0, chips.length - most) }
}

const TONES = ['bad', 'busy', 'ok']

function chip(task: Task): Chip {
  const service = task.service ?? ''
  const tone = toneOf(task)
  return {
    id: task.id,
    label: task.slot === undefined ? service : `${service}.${task.slot}`,
    service,
    tone,
    text: task.error === undefined || task.error === '' ? task.state : `${task.state}: ${task.error}`,
    hue: hueOf(service),
  }
}

function toneOf({ state, desiredState, error }: Task): Chip['tone'] {
  if (state === 'failed' || state === 'rejected' || state === 'orphaned' || (state === 'pending' && error)) return 'bad'
  return state === 'running' && desiredState === 'running' ? 'ok' : 'busy'
}

export function hueOf(text: string): number {
  let hash = 0
  for (const character of text) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 9973
  return hash % 12
}
