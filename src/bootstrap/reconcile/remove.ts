/** `network remove`: refused while anything needs the network; begun, it is finished by whoever comes next. */
import { Fault } from '../../foundation/errors.ts'
import type { ClusterPlan, PlanProblem } from '../plan/words.ts'
import type { NetworkRecord } from '../record/record.ts'
import type { BootstrapSwarm, Observer } from './observe.ts'
import type { ChangeResult, OnProgress, Patience } from './progress.ts'
import type { Reconciler } from './reconcile.ts'
import { leftOf, takeStep } from './steps.ts'

export interface RemoveDeps {
  readonly swarm: BootstrapSwarm
  readonly observer: Observer
  readonly reconciler: Reconciler
}

export interface RemoveWish extends Patience {
  readonly network: string
  /** Of `orrery uninstall`: the record stays. */
  readonly isLast?: true
}

const KEEP = { mode: 'keep', allowDrain: false } as const

export async function removeNetwork(
  { swarm, observer, reconciler }: RemoveDeps,
  { network, isLast, ...patience }: RemoveWish,
  onProgress: OnProgress,
): Promise<ChangeResult> {
  await swarm.records.refresh()
  await swarm.networks.read()
  const record = swarm.records.all().get(network)
  const plan = await observer.plan(KEEP)
  const unreadable = swarm.records.unreadable().get(network)
  if (unreadable !== undefined) {
    return refused(plan, {
      network,
      code: 'unreadable-record',
      message: `The record of ${network} cannot be understood: ${unreadable}.`,
    })
  }
  if (record === undefined) return notInForce(plan, network)
  const problem = whyNot(swarm, network, record)
  if (problem !== undefined) return refused(plan, problem)
  const { uninstalling: _, ...rest } = record
  const next: NetworkRecord = { ...rest, phase: 'removing', ...(isLast && { uninstalling: true }) }
  const begun = await begin(swarm, { network, record, next }, onProgress)
  if (begun !== undefined) return failed(plan, begun)
  const isDone = () => !swarm.records.all().has(network)
  const result = await reconciler.reconcile({ ...KEEP, ...patience, network, isDone }, onProgress)
  const done = [`${network}: begin to remove it`, ...result.done]
  const isEnded = isLast && ['done', 'unchanged'].includes(result.outcome)
  if (!isDone() && !isEnded) return { ...result, done }
  // Reports of just before the end still show what was taken away: the record that goes last was not lost.
  const problems = result.problems.filter((one) => one.network !== network || one.code !== 'record-lost')
  return { ...result, outcome: 'done', done, problems }
}

/** Whoever finished a removal that was interrupted here left nothing to do; a name that nothing has is a mistake. */
function notInForce(plan: ClusterPlan, network: string): ChangeResult {
  const reason = `No network ${network} is active`
  const isDefined = plan.networks.some(({ name, verdict }) => name === network && verdict === 'not-in-force')
  if (!isDefined) throw new Fault('unknown-network', `${reason}.`)
  return { outcome: 'unchanged', reason, done: [], left: [], problems: [], plan }
}

function whyNot(swarm: BootstrapSwarm, network: string, record: NetworkRecord): PlanProblem | undefined {
  const ids = swarm.networks
    .current()
    .filter(({ name }) => name === network)
    .map(({ id }) => id)
  const used = swarm
    .serviceUses()
    .filter(({ networks }) => networks.some((one) => one === network || ids.includes(one)))
  if (used.length > 0) {
    const names = used
      .map(({ name }) => name)
      .sort()
      .join(', ')
    const message = `The network ${network} is used by ${names}: remove ${used.length === 1 ? 'that service' : 'those services'}, or take the network from ${used.length === 1 ? 'it' : 'them'}.`
    return { network, code: 'in-use', message }
  }
  const changing = [...record.allocations.values()].filter(({ change }) => change !== undefined)
  if (changing.length === 0) return undefined
  const names = changing
    .map(({ hostname }) => hostname)
    .sort()
    .join(', ')
  return { network, code: 'in-use', message: `A change of ${names} is under way: wait for its end.` }
}

async function begin(
  swarm: BootstrapSwarm,
  { network, record, next }: { readonly network: string; readonly record: NetworkRecord; readonly next: NetworkRecord },
  onProgress: OnProgress,
): Promise<string | undefined> {
  if (record.phase === 'removing' && record.uninstalling === next.uninstalling) return undefined
  const text = 'begin to remove it'
  const progress = { network, step: 'write-record' as const, text }
  onProgress({ ...progress, state: 'begun' })
  const result = await takeStep(swarm, { network, do: 'write-record', text, basis: record, record: next })
  if (result.kind === 'committed') {
    onProgress({ ...progress, state: 'done' })
    return undefined
  }
  const why = 'message' in result ? result.message : 'somebody else changed the record at the same time: run it again'
  onProgress({ ...progress, state: 'failed', text: `${text}: ${why}` })
  return why
}

export const refused = (plan: ClusterPlan, ...problems: readonly PlanProblem[]): ChangeResult => ({
  outcome: 'refused',
  reason: problems.map(({ message }) => message).join('\n'),
  done: [],
  left: leftOf(plan),
  problems,
  plan,
})

export const failed = (plan: ClusterPlan, reason: string): ChangeResult => ({
  outcome: 'failed',
  reason,
  done: [],
  left: leftOf(plan),
  problems: [],
  plan,
})

export async function releaseRange(
  { swarm, observer }: { readonly swarm: BootstrapSwarm; readonly observer: Observer },
  { network, range }: { readonly network: string; readonly range: string },
  onProgress: OnProgress,
): Promise<ChangeResult> {
  await swarm.records.refresh()
  const record = swarm.records.all().get(network)
  if (record === undefined) throw new Fault('unknown-network', `No network ${network} is active.`)
  const plan = () => observer.plan({ mode: 'keep', allowDrain: false })
  if (!record.freed.some((freed) => isOf(freed, range))) {
    const freed = record.freed.map((one) => one.range)
    const known = freed.length === 0 ? 'none is' : `these are: ${freed.join(', ')}`
    const message = `${range} is not a freed range of ${network}; ${known}.`
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
