/** Which nodes Swarm may give a service's next tasks, and how many it has there, from memory. */
import type { SwarmNode } from '../../swarm/nodes.ts'
import type { Nodes, Tasks } from '../../swarm/ports.ts'
import type { Placement, ServiceObservation } from '../../swarm/services.ts'
import { groupByService, type ServiceTasks } from './tasks-by.ts'

export interface TaskPlace {
  readonly node: SwarmNode
  readonly count: number
  /** `false`: it may as well get none. */
  readonly isCertain: boolean
  /** Free addresses are another's business: 0. */
  readonly free: number
}

export interface TaskPlaces {
  tasksOf(serviceId: string): ServiceTasks
  /** The same order each time, until nodes change. */
  placesOf(service: ServiceObservation, placement: Placement): readonly TaskPlace[]
}

export interface TaskPlacesDeps {
  readonly nodes: Pick<Nodes, 'list' | 'onChange'>
  readonly tasks: Pick<Tasks, 'list' | 'onChange'>
}

export function createTaskPlaces({ nodes, tasks }: TaskPlacesDeps): TaskPlaces {
  let grouped: ReturnType<typeof groupByService> | undefined
  /** Many services have the same constraints. */
  const eligibleFor = new Map<string, readonly Pick<TaskPlace, 'node' | 'isCertain'>[]>()
  tasks.onChange(() => {
    grouped = undefined
  })
  nodes.onChange(() => eligibleFor.clear())

  const tasksOf = (serviceId: string): ServiceTasks => {
    grouped ??= groupByService(tasks.list())
    return grouped(serviceId)
  }

  const eligibleNodes = (placement: Placement) => {
    const key = JSON.stringify([placement.constraints, placement.platforms])
    const known = eligibleFor.get(key)
    if (known !== undefined) return known
    const found = nodes.list().flatMap((node) => {
      const answer = eligible(node, placement)
      return answer === 'no' ? [] : [{ node, isCertain: answer === 'yes' }]
    })
    eligibleFor.set(key, found)
    return found
  }

  return {
    tasksOf,
    placesOf({ id }, placement) {
      const { byNode } = tasksOf(id)
      // Field by field: with many services and nodes there are many of them, and spreading costs several times as much.
      return eligibleNodes(placement).map(({ node, isCertain }) => ({
        node,
        isCertain,
        count: byNode.get(node.id) ?? 0,
        free: 0,
      }))
    },
  }
}

/** `maybe`: a rule that is not known here. */
export type Eligible = 'yes' | 'no' | 'maybe'

export function eligible(node: SwarmNode, { constraints, platforms }: Placement): Eligible {
  if (node.state !== 'ready' || node.availability !== 'active') return 'no'
  const answers = [...constraints.map((constraint) => satisfies(constraint, node)), runs(platforms, node)]
  if (answers.includes('no')) return 'no'
  return answers.includes('maybe') ? 'maybe' : 'yes'
}

interface Constraint {
  readonly key: string
  readonly isEqual: boolean
  readonly value: string
}

function readConstraint(text: string): Constraint | undefined {
  const operator = ['==', '!='].find((one) => text.includes(one))
  if (operator === undefined) return undefined
  const at = text.indexOf(operator)
  const [key, value] = [text.slice(0, at).trim(), text.slice(at + operator.length).trim()]
  return { key, isEqual: operator === '==', value }
}

function satisfies(text: string, node: SwarmNode): Eligible {
  const constraint = readConstraint(text)
  if (constraint === undefined) return 'maybe'
  const { key, isEqual, value } = constraint
  const known = attributeOf(key, node)
  if (known === undefined) return 'maybe'
  if (equalFold(key, 'node.platform.arch') && isOtherSpelling(known, value)) return 'maybe'
  return equalFold(known, value) === isEqual ? 'yes' : 'no'
}

const NODE_LABEL = 'node.labels.'
const ENGINE_LABEL = 'engine.labels.'

/** `undefined`: no key that is known here. `node.ip` is one: it takes subnets too. */
function attributeOf(key: string, node: SwarmNode): string | undefined {
  switch (key.toLowerCase()) {
    case 'node.id':
      return node.id
    case 'node.hostname':
      return node.hostname
    case 'node.role':
      return node.role
    case 'node.platform.os':
      return node.platform.os
    case 'node.platform.arch':
      return node.platform.architecture
    default:
      return labelOf(key, NODE_LABEL, node.labels) ?? labelOf(key, ENGINE_LABEL, node.engineLabels)
  }
}

function labelOf(key: string, prefix: string, labels: Readonly<Record<string, string>>): string | undefined {
  if (key.length <= prefix.length || !equalFold(key.slice(0, prefix.length), prefix)) return undefined
  const name = key.slice(prefix.length)
  return Object.hasOwn(labels, name) ? labels[name] : ''
}

const equalFold = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

/** Newer schedulers take the two spellings of an architecture for one, older ones do not. */
function isOtherSpelling(one: string, other: string): boolean {
  return !equalFold(one, other) && architecture(one.toLowerCase()) === architecture(other.toLowerCase())
}

function runs(platforms: Placement['platforms'], { platform }: SwarmNode): Eligible {
  if (platforms.length === 0) return 'yes'
  const fits = platforms.some(
    ({ os, architecture: wanted }) =>
      (os === '' || os === platform.os) &&
      (wanted === '' || architecture(wanted) === architecture(platform.architecture)),
  )
  return fits ? 'yes' : 'no'
}

function architecture(name: string): string {
  if (name === 'x86_64') return 'amd64'
  return name === 'aarch64' ? 'arm64' : name
}
