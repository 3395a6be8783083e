/** The labels of docker-scaler (Docker Flow), with its defaults and its lenient parsing. Pure. */

import { didYouMean } from '../../foundation/did-you-mean.ts'
import { type AliasReading, readAliasFields } from './alias-family.ts'
import { warningIssue } from './issue.ts'
import type { PolicyIssue } from './policy.ts'

const FIELDS = [
  { label: 'com.df.scaleMin', field: 'min', least: 0, fallback: '1' },
  { label: 'com.df.scaleMax', field: 'max', least: 0, fallback: '5' },
  { label: 'com.df.scaleUpBy', field: 'step.up', least: 1, fallback: '1' },
  { label: 'com.df.scaleDownBy', field: 'step.down', least: 1, fallback: '1' },
] as const

const DEFAULTS = new Map([
  ['min', '1'],
  ['max', '5'],
  ['step', '1'],
  // docker-scaler has no cooldown: a second call at once is a second step.
  ['cooldown', '0s'],
])

const KNOWN = FIELDS.map(({ label }) => label)

/** Other Docker Flow tools own the rest of `com.df.*`, so only what looks like one of ours is questioned. */
const misspelt = (labels: ReadonlyMap<string, string>): readonly PolicyIssue[] =>
  [...labels].flatMap(([label, value]) => {
    const looksLikeOurs = label.toLowerCase().startsWith('com.df.scale') && !KNOWN.some((known) => known === label)
    const meant = looksLikeOurs && !/Node(Min|Max|UpBy|DownBy)$/.test(label) ? didYouMean(label, KNOWN) : undefined
    return meant === undefined
      ? []
      : [warningIssue({ field: label, value, message: `unknown label; did you mean ${meant}?` })]
  })

/** Any one of the four labels opts in, whatever it says. */
export const readDockerFlowLabels = (labels: ReadonlyMap<string, string>): AliasReading => {
  const { written, issues } = readAliasFields(labels, FIELDS)
  return {
    family: 'com.df',
    inForce: KNOWN.some((label) => labels.has(label)),
    written,
    defaults: DEFAULTS,
    issues: [...issues, ...misspelt(labels)],
  }
}
