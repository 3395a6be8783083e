/** A plan's steps: in words, due or not, and taken. Every write is refused by the Swarm when somebody else wrote first. */
import { Fault, messageOf } from '../../foundation/errors.ts'
import type { WriteResult } from '../../swarm/write-result.ts'
import type { ClusterPlan, PlanProblem, Step } from '../plan/words.ts'
import type { NetworkRecord } from '../record/record.ts'
import { recordCodec } from '../record/record-codec.ts'
import type { BootstrapSwarm } from './observe.ts'

export type WritingStep = Exclude<Step, { do: 'wait' }>

const isWriting = (step: Step): step is WritingStep => step.do !== 'wait'

/** It can be taken now. */
export const isDue = (step: Step): step is WritingStep => isWriting(step) && step.waitsFor === undefined

/** Never throws. */
export async function takeStep({ nodes, networks, records }: BootstrapSwarm, step: WritingStep): Promise<WriteResult> {
  switch (step.do) {
    case 'write-record':
      return await writeRecord(records, step, step.record)
    case 'remove-record':
      return await writeRecord(records, step, undefined)
    case 'write-node':
      return await nodes.write(step.write)
    case 'create-network': {
      const { network: name, driver, configFrom } = step
      return await thenRead(networks, await networks.create({ name, driver, configFrom }))
    }
    case 'remove-network':
      return await thenRead(networks, await networks.remove(step.id))
    default:
      return step satisfies never
  }
}

async function writeRecord(
  records: BootstrapSwarm['records'],
  step: { readonly network: string; readonly basis?: NetworkRecord },
  next: NetworkRecord | undefined,
): Promise<WriteResult> {
  let isTaken = true
  try {
    await records.update(step.network, (current) => {
      isTaken = isSame(current, step.basis)
      return isTaken ? next : current
    })
    return isTaken ? { kind: 'committed' } : { kind: 'conflict' }
  } catch (error) {
    const message = messageOf(error)
    if (!(error instanceof Fault)) return { kind: 'unknown', message }
    if (error.code === 'conflicts-exhausted') return { kind: 'conflict' }
    return { kind: error.code === 'write-rejected' ? 'rejected' : 'unknown', message }
  }
}

/** What is written down is what counts. */
const isSame = (one: NetworkRecord | undefined, other: NetworkRecord | undefined): boolean =>
  one === other || (one !== undefined && other !== undefined && textOf(one) === textOf(other))

const textOf = (record: NetworkRecord): string =>
  JSON.stringify(Object.entries(recordCodec.encode(record, {})).sort(([one], [other]) => (one < other ? -1 : 1)))

/** What was made or removed is in the next plan. */
async function thenRead(networks: BootstrapSwarm['networks'], result: WriteResult): Promise<WriteResult> {
  // Without an answer the read tells no more than the next event does.
  await networks.read().catch(() => undefined)
  return result
}

/** The same step, whichever plan it is of. */
export const keyOfStep = ({ network, node, do: what, text }: Step): string => [network, node?.id, what, text].join('\n')

/**
 * The first that can be taken now. Before the swarm network is made, what this very engine has is looked at once more.
 * Throws as `lookAgain`, and Fault `engine-unavailable`.
 */
export async function firstDue(
  steps: readonly Step[],
  { networks }: BootstrapSwarm,
  lookAgain: () => Promise<readonly Step[]>,
): Promise<WritingStep | undefined> {
  const step = steps.find(isDue)
  if (step?.do !== 'create-network') return step
  await networks.read()
  return (await lookAgain()).find(isDue)
}

export const problemsOf = ({ problems, networks }: ClusterPlan): readonly PlanProblem[] => [
  ...problems,
  ...networks.flatMap((network) => network.problems),
]

export const stepsOf = ({ networks }: ClusterPlan): readonly Step[] => networks.flatMap(({ steps }) => steps)

/** `vlan40: label worker1 ready`. */
export const textOfStep = ({ network, text }: Pick<Step, 'network' | 'text'>): string => `${network}: ${text}`

export const leftOf = (plan: ClusterPlan): string[] =>
  stepsOf(plan).map(
    (step) => `${textOfStep(step)}${step.waitsFor === undefined ? '' : ` (waits for ${step.waitsFor})`}`,
  )
