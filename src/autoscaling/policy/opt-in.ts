/** Whether a service asked to be autoscaled. Pure. */
import type { AliasReading } from './alias-family.ts'
import type { FieldLayer } from './field-layer.ts'
import { warningIssue } from './issue.ts'
import type { PolicyField, PolicyIssue } from './policy.ts'
import { LABEL_PREFIX } from './policy-fields.ts'

export interface OptIn {
  readonly optedIn: boolean
  /** Who said so; absent when nobody said anything. */
  readonly field?: PolicyField
  readonly issues: readonly PolicyIssue[]
}

interface Askers {
  readonly label: FieldLayer
  readonly file: FieldLayer | undefined
  readonly families: readonly AliasReading[]
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
