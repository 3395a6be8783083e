/** Alias families: the labels of other Swarm autoscalers, read as fields of a policy, as leniently as by the tools they were written for. Pure. */
import { didYouMean } from '../../foundation/did-you-mean.ts'
import { formatDuration } from '../../foundation/duration.ts'
import { MAX_WHOLE_NUMBER } from '../../foundation/whole-number.ts'
import type { FieldLayer } from './field-layer.ts'
import { quoted, warningIssue } from './issue.ts'
import type { FieldSource, PolicyIssue } from './policy.ts'
import { DEFAULT_VALUES } from './policy-fields.ts'

type Labels = ReadonlyMap<string, string>

/** How a `max` that nobody knows is written in a policy's fields. No label or file can write it. */
export const NO_MAX = 'none'

interface AliasField {
  readonly label: string
  readonly field: string
  readonly least: 0 | 1
  /** Used when the label says nothing readable. */
  readonly fallback: string
  /** From the number in the label to the canonical value; the digits themselves when absent. */
  readonly format?: (value: number) => string
}

interface Family {
  readonly family: Extract<FieldSource, 'orbiter' | 'com.df' | 'swarm.autoscaler'>
  /** Where it opts in, for people. */
  readonly optInLabel: string
  readonly fields: readonly AliasField[]
  /** The family's own defaults. */
  readonly defaults: Labels
  /** Whether the family's own opt-in holds; if not, nothing of it is used. */
  readonly optsIn: (labels: Labels) => boolean
  /** What is wrong with labels that look like the family's. */
  readonly warnings: (labels: Labels, known: readonly string[], isOptedIn: boolean) => readonly PolicyIssue[]
}

const unused = (labels: Labels, known: readonly string[], optIn: string): readonly PolicyIssue[] => {
  const idle = known.find((label) => labels.has(label))
  const message = `not used: the label \`${optIn}\` is missing, which opts in`
  return idle === undefined ? [] : [warningIssue({ field: idle, value: labels.get(idle), message })]
}

/** A warning for every label below `prefix` that the family does not know, with the one that was probably meant. */
const unknown = (labels: Labels, known: readonly string[], prefix: string): readonly PolicyIssue[] =>
  [...labels]
    .filter(([label]) => label.startsWith(prefix) && !known.includes(label))
    .map(([label, value]) => {
      const meant = didYouMean(label, known)
      const hint = meant === undefined ? `known: ${known.join(', ')}` : `did you mean ${meant}?`
      return warningIssue({ field: label, value, message: `unknown label; ${hint}` })
    })

/** `orbiter` present and not `false` opts in; `orbiter=` too, as for Orbiter. */
const ORBITER: Family = {
  family: 'orbiter',
  optInLabel: 'orbiter',
  fields: [
    { label: 'orbiter.up', field: 'step.up', least: 1, fallback: '1' },
    { label: 'orbiter.down', field: 'step.down', least: 1, fallback: '1' },
    {
      ...{ label: 'orbiter.cooldown', field: 'cooldown', least: 0, fallback: '1 (second)' },
      format: (seconds) => formatDuration(seconds * 1000),
    },
    // Orbiter itself knows no bounds; these two are ours.
    { label: 'orbiter.min', field: 'min', least: 0, fallback: '1' },
    { label: 'orbiter.max', field: 'max', least: 0, fallback: '100' },
  ],
  defaults: new Map(Object.entries({ min: '1', max: '100', step: '1', cooldown: '1s' })),
  optsIn: (labels) => labels.has('orbiter') && labels.get('orbiter') !== 'false',
  warnings(labels, known, isOptedIn) {
    if (isOptedIn) return unknown(labels, known, 'orbiter.')
    return labels.has('orbiter') ? [] : unused(labels, known, 'orbiter')
  },
}

/** Any one of the four labels of docker-scaler (Docker Flow) opts in, whatever it says. */
const DOCKER_FLOW: Family = {
  family: 'com.df',
  optInLabel: 'com.df.scale*',
  fields: [
    { label: 'com.df.scaleMin', field: 'min', least: 0, fallback: '1' },
    { label: 'com.df.scaleMax', field: 'max', least: 0, fallback: '5' },
    { label: 'com.df.scaleUpBy', field: 'step.up', least: 1, fallback: '1' },
    { label: 'com.df.scaleDownBy', field: 'step.down', least: 1, fallback: '1' },
  ],
  // docker-scaler has no cooldown: a second call at once is a second step.
  defaults: new Map(Object.entries({ min: '1', max: '5', step: '1', cooldown: '0s' })),
  optsIn: (labels) => DOCKER_FLOW.fields.some(({ label }) => labels.has(label)),
  /** Other Docker Flow tools own the rest of `com.df.*`, so only what looks like one of ours is questioned. */
  warnings: (labels, known) =>
    [...labels].flatMap(([label, value]) => {
      const looksLikeOurs = label.toLowerCase().startsWith('com.df.scale') && !known.includes(label)
      const meant = looksLikeOurs && !/Node(Min|Max|UpBy|DownBy)$/.test(label) ? didYouMean(label, known) : undefined
      const message = `unknown label; did you mean ${meant}?`
      return meant === undefined ? [] : [warningIssue({ field: label, value, message })]
    }),
}

/** Of docker-swarm-autoscaler: `swarm.autoscaler=true` exactly opts in. */
const SWARM_AUTOSCALER: Family = {
  family: 'swarm.autoscaler',
  optInLabel: 'swarm.autoscaler',
  fields: [
    { label: 'swarm.autoscaler.minimum', field: 'min', least: 0, fallback: '1' },
    { label: 'swarm.autoscaler.maximum', field: 'max', least: 0, fallback: 'no maximum, so no growth,' },
  ],
  defaults: new Map(Object.entries({ min: '1', max: NO_MAX })),
  optsIn: (labels) => labels.get('swarm.autoscaler') === 'true',
  warnings(labels, known, isOptedIn) {
    if (isOptedIn) return unknown(labels, known, 'swarm.autoscaler.')
    const value = labels.get('swarm.autoscaler')
    if (value === undefined) return unused(labels, known, 'swarm.autoscaler=true')
    const message = `${quoted(value)} does not opt in; only \`true\` does`
    return value === 'false' ? [] : [warningIssue({ field: 'swarm.autoscaler', value, message })]
  },
}

/** The order is the precedence. */
const FAMILIES: readonly Family[] = [ORBITER, DOCKER_FLOW, SWARM_AUTOSCALER]

export interface Aliases {
  /** The families whose own opt-in holds, first come first. */
  readonly inForce: readonly Pick<Family, 'family'>[]
  /** What they wrote, in the order of precedence. */
  readonly layers: readonly FieldLayer[]
  /** The defaults of the first family over the native ones. */
  readonly defaults: FieldLayer
  /** Warnings only. */
  readonly issues: readonly PolicyIssue[]
}

export const readAliases = (labels: Labels): Aliases => {
  const inForce = FAMILIES.filter((family) => family.optsIn(labels))
  const read = FAMILIES.map((family) => {
    const isOptedIn = inForce.includes(family)
    const { written, issues } = isOptedIn ? readFields(labels, family.fields) : { written: new Map(), issues: [] }
    const known = family.fields.map(({ label }) => label)
    return { family, isOptedIn, written, issues: [...issues, ...family.warnings(labels, known, isOptedIn)] }
  })
  const [first] = inForce
  return {
    inForce,
    layers: read.flatMap(({ family: { family }, isOptedIn, written }) =>
      isOptedIn ? [{ source: family, values: written }] : [],
    ),
    defaults: { source: 'default', values: new Map([...DEFAULT_VALUES, ...(first?.defaults ?? [])]) },
    issues: [...read.flatMap(({ issues }) => issues), ...severalFamilies(inForce)],
  }
}

/** The readable ones of `fields` as canonical values, a warning for each of the others. */
function readFields(labels: Labels, fields: readonly AliasField[]) {
  const written = new Map<string, string>()
  const issues: PolicyIssue[] = []
  for (const { label, field, least, fallback, format = String } of fields) {
    const text = labels.get(label)
    if (text === undefined) continue
    const value = parseGoInteger(text)
    if (value !== undefined && value >= least) {
      written.set(field, format(value))
      continue
    }
    const message = `${quoted(text)} is not a whole number from ${least} to ${MAX_WHOLE_NUMBER}; ${fallback} is used`
    issues.push(warningIssue({ field: label, value: text, message }))
  }
  return { written, issues }
}

/** What Go's strconv reads as a decimal integer: digits with an optional sign, no space, underscore or exponent. */
function parseGoInteger(text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined
  const value = Number(text)
  return Math.abs(value) <= MAX_WHOLE_NUMBER ? value : undefined
}

function severalFamilies([first, ...others]: readonly Family[]): readonly PolicyIssue[] {
  if (first === undefined) return []
  return others.map(({ family, optInLabel }) =>
    warningIssue({
      field: optInLabel,
      message: `the labels of ${first.family} opt in too and come first: of ${family} only fields that they leave unwritten are used, and none of its defaults`,
    }),
  )
}
