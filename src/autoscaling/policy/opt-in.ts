/** What the labels of a service are read as, and whether it asked to be autoscaled. Pure. */

import type { Aliases } from './aliases.ts'
import type { FieldLayer } from './field-layer.ts'
import { quoted, warningIssue } from './issue.ts'
import type { PolicyField, PolicyIssue, PolicyReading } from './policy.ts'
import { LABEL_PREFIX } from './policy-fields.ts'

/** Written by the controller, no field of a policy: `autoscaler.state`. */
const PRODUCT_OWNED = ['state']

/** The `autoscaler.*` labels by field name, texts as written. */
export const nativeLabels = (labels: ReadonlyMap<string, string>): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>()
  for (const [label, text] of labels) {
    const name = label.startsWith(LABEL_PREFIX) ? label.slice(LABEL_PREFIX.length) : undefined
    if (name !== undefined && !PRODUCT_OWNED.includes(name)) fields.set(name, text)
  }
  return fields
}

/** As it was meant, perhaps. */
const plain = (label: string): string => label.replace(/[\s"'`\u200b\ufeff\u00a0]/g, '').toLowerCase()

/**
 * Labels that only look like ones of a policy: with a blank, a quote or a capital before the dot. Those that begin right and go on
 * wrong are unknown fields.
 */
export const misspeltLabels = (labels: ReadonlyMap<string, string>): readonly PolicyIssue[] =>
  [...labels].flatMap(([label, value]) => {
    const meant = plain(label)
    if (label.startsWith(LABEL_PREFIX) || !meant.startsWith(LABEL_PREFIX)) return []
    const message = `the key ${quoted(label)} is not read: it must be ${meant}, with no blank, quote or capital`
    return [warningIssue({ field: meant, value, message })]
  })

/** Why a service is no autoscaler that says something of autoscaling; `undefined`: it says nothing. */
export const whyNotOptedIn = ({ issues, fields }: Pick<PolicyReading, 'issues' | 'fields'>): string | undefined => {
  const wrong = issues.find(({ field }) => field === `${LABEL_PREFIX}enable`) ?? issues[0]
  if (wrong !== undefined) return `${wrong.field}: ${wrong.message}`
  return fields.enable?.source === 'label' ? `${LABEL_PREFIX}enable is ${quoted(fields.enable.value)}` : undefined
}

/** Of every label that a policy is read from. */
const POLICY_PREFIXES = [LABEL_PREFIX, 'orbiter', 'com.df.', 'swarm.autoscaler', 'swarm.cronjob']

/** Whether these labels may say anything of scaling: cheap, for many services that do not. A file may all the same. */
export const mayHavePolicy = (labels: Readonly<Record<string, string>>): boolean =>
  Object.keys(labels).some((label) => POLICY_PREFIXES.some((prefix) => plain(label).startsWith(prefix)))

/** Go's strconv.ParseBool, which swarm-cronjob reads its label with. */
const GO_TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const CRONJOB_LABEL = 'swarm.cronjob.enable'

/** Why no policy can scale this service, judged by its labels alone; `undefined`: nothing is in the way. */
export const unsupportedByLabels = (labels: ReadonlyMap<string, string>): string | undefined => {
  const cronjob = labels.get(CRONJOB_LABEL)
  if (cronjob === undefined || !GO_TRUE.includes(cronjob)) return undefined
  return `${CRONJOB_LABEL}=${cronjob}: swarm-cronjob sets the replicas of this service, and two controllers would undo each other; remove one of the two opt-ins`
}

export interface OptIn {
  readonly optedIn: boolean
  /** Who said so; absent when nobody said anything. */
  readonly field?: PolicyField
  readonly issues: readonly PolicyIssue[]
}

interface Askers {
  readonly label: FieldLayer
  readonly file: FieldLayer | undefined
  readonly families: Aliases['inForce']
}

const said = (optedIn: boolean, source: PolicyField['source']): OptIn => ({
  optedIn,
  field: { value: `${optedIn}`, source },
  issues: [],
})

/**
 * The first that says anything decides: the label `autoscaler.enable` (only `true` opts in), the file (opts in by
 * existing, unless its `enable` is anything but `true`), the alias families.
 */
export const readOptIn = ({ label, file, families }: Askers): OptIn => {
  const native = label.values.get('enable')
  if (native !== undefined) return said(native === 'true', 'label')
  if (file !== undefined) return said((file.values.get('enable') ?? 'true') === 'true', 'file')
  const [family] = families
  if (family !== undefined) return said(true, family.family)
  if (label.values.size === 0) return { optedIn: false, issues: [] }
  const message = 'missing, so the other autoscaler labels have no effect; `true` opts in'
  return { optedIn: false, issues: [warningIssue({ field: `${LABEL_PREFIX}enable`, message })] }
}
