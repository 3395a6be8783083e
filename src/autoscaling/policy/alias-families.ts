/** All alias families together. Pure. */

import { readDockerFlowLabels } from './alias-df.ts'
import type { AliasReading } from './alias-family.ts'
import { readOrbiterLabels } from './alias-orbiter.ts'
import { readSwarmAutoscalerLabels } from './alias-swarm-autoscaler.ts'
import type { FieldLayer } from './field-layer.ts'
import { warningIssue } from './issue.ts'
import type { PolicyIssue } from './policy.ts'
import { DEFAULT_VALUES } from './policy-fields.ts'

const OPT_IN_LABEL = { orbiter: 'orbiter', 'com.df': 'com.df.scale*', 'swarm.autoscaler': 'swarm.autoscaler' } as const

const severalFamilies = (families: readonly AliasReading[]): readonly PolicyIssue[] => {
  const [first, ...others] = families
  if (first === undefined) return []
  return others.map(({ family }) =>
    warningIssue({
      field: OPT_IN_LABEL[family],
      message: `the labels of ${first.family} opt in too and come first: of ${family} only fields that they leave unwritten are used, and none of its defaults`,
    }),
  )
}

export interface Aliases {
  /** The families whose own opt-in holds, first come first. */
  readonly inForce: readonly AliasReading[]
  /** What they wrote, in the order of precedence. */
  readonly layers: readonly FieldLayer[]
  /** The defaults of the first family over the native ones. */
  readonly defaults: FieldLayer
  readonly issues: readonly PolicyIssue[]
}

/** The order is the precedence: orbiter, com.df, swarm.autoscaler. */
export const readAliases = (labels: ReadonlyMap<string, string>): Aliases => {
  const families = [readOrbiterLabels(labels), readDockerFlowLabels(labels), readSwarmAutoscalerLabels(labels)]
  const inForce = families.filter((family) => family.inForce)
  const defaults: FieldLayer = {
    source: 'default',
    values: new Map([...DEFAULT_VALUES, ...(inForce[0]?.defaults ?? [])]),
  }
  return {
    inForce,
    layers: inForce.map(({ family, written }) => ({ source: family, values: written })),
    defaults,
    issues: [...families.flatMap(({ issues }) => issues), ...severalFamilies(inForce)],
  }
}
