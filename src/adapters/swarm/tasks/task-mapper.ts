/** A raw task as the engine lists it -> what matters of it. Tasks are never written, so digits may be lost here. */
import type { SwarmTask } from '../../../swarm/tasks.ts'
import { at, integerAt, textAt } from '../engine/engine-json.ts'

/** `undefined` without id or service: an attachment of a container that was started by hand has no service. */
export function readTask(raw: unknown): SwarmTask | undefined {
  const id = textAt(raw, 'ID')
  const serviceId = textAt(raw, 'ServiceID')
  if (id === undefined || serviceId === undefined) return undefined
  const nodeId = textAt(raw, 'NodeID') ?? ''
  const slot = integerAt(raw, 'Slot')
  const error = textAt(raw, 'Status', 'Err') ?? ''
  return {
    ...{ id, serviceId },
    ...(nodeId === '' ? {} : { nodeId }),
    ...(slot === undefined ? {} : { slot }),
    desiredState: textAt(raw, 'DesiredState') ?? '',
    state: textAt(raw, 'Status', 'State') ?? '',
    ...(error === '' ? {} : { error }),
    networkIds: networksOf(raw),
  }
}

function networksOf(raw: unknown): readonly string[] {
  const [asked, attached] = [at(raw, 'Spec', 'Networks'), at(raw, 'NetworksAttachments')]
  const ids = new Set<string | undefined>()
  if (Array.isArray(asked)) for (const one of asked) ids.add(textAt(one, 'Target'))
  if (Array.isArray(attached)) for (const one of attached) ids.add(textAt(one, 'Network', 'ID'))
  return [...ids].filter((id) => id !== undefined)
}

const ENDED = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'])

/** Whether its container is gone or never was: it holds no address any more. */
export const hasEnded = ({ state }: Pick<SwarmTask, 'state'>): boolean => ENDED.has(state)
