/** What a plan still asks for, in words. */
import type { ClusterPlan, Step } from '../plan/words.ts'

export const stepsOf = ({ networks }: ClusterPlan): readonly Step[] => networks.flatMap(({ steps }) => steps)

/** `vlan40: label worker1 ready`. */
export const textOfStep = ({ network, text }: Pick<Step, 'network' | 'text'>): string => `${network}: ${text}`

export const leftOf = (plan: ClusterPlan): string[] =>
  stepsOf(plan).map(
    (step) => `${textOfStep(step)}${step.waitsFor === undefined ? '' : ` (waits for ${step.waitsFor})`}`,
  )
