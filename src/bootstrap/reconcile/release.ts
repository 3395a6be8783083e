/** `network release`: a freed range may be given again before its 24 h are over. */
import { Fault } from '../../foundation/errors.ts'
import type { NetworkRecord } from '../record/record.ts'
import type { BootstrapSwarm } from './bootstrap-swarm.ts'
import { leftOf } from './left-to-do.ts'
import type { Observer } from './observe.ts'
import type { ChangeResult, OnProgress } from './progress.ts'
import { refused } from './remove.ts'

export async function releaseRange(
  { swarm, observer }: { readonly swarm: BootstrapSwarm; readonly observer: Observer },
  { network, range }: { readonly network: string; readonly range: string },
  onProgress: OnProgress,
): Promise<ChangeResult> {
  await swarm.records.refresh()
  const record = swarm.records.all().get(network)
  if (record === undefined) throw new Fault('unknown-network', `No network ${network} is in force.`)
  const plan = () => observer.plan({ mode: 'keep', allowDrain: false })
  if (!record.freed.some((freed) => isOf(freed, range))) {
    const freed = record.freed.map((one) => one.range)
    const known = freed.length === 0 ? 'none is' : `these are: ${freed.join(', ')}`
    const message = `${range} is no freed range of ${network}; ${known}.`
    return refused(await plan(), { network, code: 'no-range', message })
  }
  const text = `${range} may be given again`
  // Whatever else changed meanwhile stays as it is.
  await swarm.records.update(network, (current) => current && without(current, range))
  onProgress({ network, step: 'write-record', state: 'done', text })
  const after = await plan()
  return { outcome: 'done', reason: '', done: [`${network}: ${text}`], left: leftOf(after), problems: [], plan: after }
}

const isOf = (freed: NetworkRecord['freed'][number], range: string): boolean =>
  freed.range === range || freed.range6 === range

const without = (record: NetworkRecord, range: string): NetworkRecord =>
  record.freed.some((freed) => isOf(freed, range))
    ? { ...record, freed: record.freed.filter((freed) => !isOf(freed, range)) }
    : record
