/** The labels of Orbiter, with its defaults and its lenient parsing. Pure. */

import { formatDuration } from '../../foundation/duration.ts'
import { type AliasReading, readAliasFields, unknownAliasLabels } from './alias-family.ts'
import { warningIssue } from './issue.ts'

const OPT_IN = 'orbiter'

const FIELDS = [
  { label: 'orbiter.up', field: 'step.up', least: 1, fallback: '1' },
  { label: 'orbiter.down', field: 'step.down', least: 1, fallback: '1' },
  {
    label: 'orbiter.cooldown',
    field: 'cooldown',
    least: 0,
    fallback: '1 (second)',
    format: (seconds: number) => formatDuration(seconds * 1000),
  },
  // Orbiter itself knows no bounds; these two are ours.
  { label: 'orbiter.min', field: 'min', least: 0, fallback: '1' },
  { label: 'orbiter.max', field: 'max', least: 0, fallback: '100' },
] as const

const DEFAULTS = new Map([
  ['min', '1'],
  ['max', '100'],
  ['step', '1'],
  ['cooldown', '1s'],
])

const KNOWN = FIELDS.map(({ label }) => label)

/** `orbiter` present and not `false` opts in; `orbiter=` too, as for Orbiter. */
export const readOrbiterLabels = (labels: ReadonlyMap<string, string>): AliasReading => {
  const optIn = labels.get(OPT_IN)
  const inForce = optIn !== undefined && optIn !== 'false'
  const nothing = { family: 'orbiter', inForce, written: new Map<string, string>(), defaults: DEFAULTS } as const
  if (inForce) {
    const { written, issues } = readAliasFields(labels, FIELDS)
    return {
      ...nothing,
      written,
      issues: [...issues, ...unknownAliasLabels(labels, { prefix: 'orbiter.', known: KNOWN })],
    }
  }
  const idle = optIn === undefined ? KNOWN.find((label) => labels.has(label)) : undefined
  const message = 'not used: the label `orbiter` is missing, which opts in'
  return {
    ...nothing,
    issues: idle === undefined ? [] : [warningIssue({ field: idle, value: labels.get(idle), message })],
  }
}
