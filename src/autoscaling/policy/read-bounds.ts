/** The bounds of a policy: min, max and who wrote them. Pure. */

import { parseWholeNumber } from '../../foundation/whole-number.ts'
import { NO_MAX } from './aliases.ts'
import { type FieldLayer, type Picked, pick } from './field-layer.ts'
import { errorIssue, warningIssue } from './issue.ts'
import type { FieldSource, PolicyIssue } from './policy.ts'
import type { Bounds } from './policy-at.ts'
import { LABEL_PREFIX } from './policy-fields.ts'

interface BoundsReading {
  /** Absent when a bound is missing or malformed, or when they contradict each other. */
  readonly bounds?: Bounds
  readonly min: Picked | undefined
  readonly max: Picked | undefined
  readonly issues: readonly PolicyIssue[]
}

const isAlias = (source: FieldSource): boolean => source !== 'label' && source !== 'file' && source !== 'default'

const asWritten = ({ field, source }: Picked): string => (source === 'label' ? `${LABEL_PREFIX}${field}` : field)

const origin = ({ source }: Picked): string => (source === 'default' ? 'the default' : `from ${source}`)

/** Which of the two a person should look at: the one that was written, with the smaller claim to be right. */
const blamed = (min: Picked, max: Picked): Picked => (min.source === 'default' ? max : min)

const contradiction = (min: Picked, max: Picked): string =>
  `min ${min.value} (${origin(min)}) is above max ${max.value} (${origin(max)})`

/**
 * min above max makes the policy invalid, unless the min that is too large is an alias label's (or a default against
 * an alias label's max): then max wins, as it does in docker-scaler.
 */
export const readBounds = (layers: readonly FieldLayer[]): BoundsReading => {
  const min = pick(layers, 'min')
  const max = pick(layers, 'max')
  if (min === undefined || max === undefined) {
    const missing = errorIssue({
      field: `${LABEL_PREFIX}max`,
      message: 'required: the largest count that a step up may reach',
    })
    return { min, max, issues: max === undefined ? [missing] : [] }
  }
  const least = parseWholeNumber(min.value)
  const most = max.value === NO_MAX && max.source === 'default' ? null : parseWholeNumber(max.value)
  if (least === undefined || most === undefined) return { min, max, issues: [] }
  const written = { minWritten: min.source !== 'default', maxWritten: max.source !== 'default' }
  if (most === null || least <= most) return { bounds: { min: least, max: most, ...written }, min, max, issues: [] }
  const issue = { field: asWritten(blamed(min, max)), value: blamed(min, max).value }
  if (isAlias(min.source) || (min.source === 'default' && isAlias(max.source))) {
    const lowered = { ...min, value: max.value }
    const message = `${contradiction(min, max)}: max wins, min is ${max.value} too`
    return {
      bounds: { min: most, max: most, ...written },
      min: lowered,
      max,
      issues: [warningIssue({ ...issue, message })],
    }
  }
  return { min, max, issues: [errorIssue({ ...issue, message: `${contradiction(min, max)}; min <= max is needed` })] }
}
