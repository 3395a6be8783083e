/** `network adopt`: takes over networks that were made by hand, as they are, without touching a task. */
import type { Clock } from '../../foundation/clock.ts'
import { Fault } from '../../foundation/errors.ts'
import { adoption } from '../plan/adoption.ts'
import { sharedContext } from '../plan/context.ts'
import type { Definitions } from '../ports.ts'
import type { BootstrapSwarm, Observer } from './observe.ts'
import type { ChangeResult, OnProgress, Patience } from './progress.ts'
import type { Reconciler } from './reconcile.ts'
import { failed, refused } from './remove.ts'
import { takeStep } from './steps.ts'

export interface AdoptDeps {
  readonly swarm: BootstrapSwarm
  readonly definitions: Pick<Definitions, 'current'>
  readonly observer: Observer
  readonly reconciler: Reconciler
  readonly now: Clock
}

const KEEP = { mode: 'keep', allowDrain: false } as const

export async function adoptNetwork(
  { swarm, definitions, observer, reconciler, now }: AdoptDeps,
  { network, ...patience }: { readonly network: string } & Patience,
  onProgress: OnProgress,
): Promise<ChangeResult> {
  await swarm.records.refresh()
  await swarm.networks.read()
  const wanted = definitions.current()
  const file = wanted.files.find((one) => one.definition?.name === network || one.name === network)
  const plan = await observer.plan(KEEP)
  if (swarm.records.all().has(network)) {
    return await reconciler.reconcile({ ...KEEP, ...patience, network }, onProgress)
  }
  if (file === undefined) throw new Fault('unknown-network', `No definition names the network ${network}.`)
  if (file.definition === undefined) {
    return refused(plan, { network, code: 'definition-invalid', message: `The definition in ${file.file} has errors.` })
  }
  const observed = await observer.observe()
  const found = adoption(file.definition, sharedContext({ wanted, observed, options: { ...KEEP, nowMs: now() } }))
  if ('problems' in found) return refused(plan, ...found.problems)
  const ranges = [...found.record.allocations.values()].map(({ hostname, range }) => `${hostname} ${range}`)
  const text = [`take over ${network}: ${ranges.join(', ')}`, ...found.notes].join('; ')
  const progress = { network, step: 'write-record' as const }
  onProgress({ ...progress, state: 'begun', text })
  const result = await takeStep(swarm, { network, do: 'write-record', text, record: found.record })
  if (result.kind !== 'committed') {
    const why = 'message' in result ? result.message : 'somebody else wrote a record at the same time: run it again'
    onProgress({ ...progress, state: 'failed', text: why })
    return failed(plan, why)
  }
  onProgress({ ...progress, state: 'done', text })
  const rest = await reconciler.reconcile({ ...KEEP, ...patience, network }, onProgress)
  return {
    ...rest,
    outcome: rest.outcome === 'unchanged' ? 'done' : rest.outcome,
    done: [`${network}: ${text}`, ...rest.done],
  }
}
