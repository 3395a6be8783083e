/** An alias family: the labels of another Swarm autoscaler, read as fields of a policy. Pure. */
import { didYouMean } from '../../foundation/did-you-mean.ts'
import { MAX_WHOLE_NUMBER } from '../../foundation/whole-number.ts'
import { quoted, warningIssue } from './issue.ts'
import type { FieldSource, PolicyIssue } from './policy.ts'

export type AliasSource = Extract<FieldSource, 'orbiter' | 'com.df' | 'swarm.autoscaler'>

export interface AliasReading {
  readonly family: AliasSource
  /** Whether the family's own opt-in holds; if not, nothing of it is used. */
  readonly inForce: boolean
  /** Fields that a person wrote and that were readable, canonical, by field name. */
  readonly written: ReadonlyMap<string, string>
  /** The family's own defaults. */
  readonly defaults: ReadonlyMap<string, string>
  /** Warnings only: these labels are read as leniently as by the tool they were written for. */
  readonly issues: readonly PolicyIssue[]
}

/** How a `max` that nobody knows is written in a policy's fields. No label or file can write it. */
export const NO_MAX = 'none'

/** What Go's strconv reads as a decimal integer: digits with an optional sign, no space, underscore or exponent. */
const parseGoInteger = (text: string): number | undefined => {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined
  const value = Number(text)
  return Math.abs(value) <= MAX_WHOLE_NUMBER ? value : undefined
}

export interface AliasField {
  readonly label: string
  readonly field: string
  readonly least: 0 | 1
  /** Used when the label says nothing readable. */
  readonly fallback: string
  /** From the number in the label to the canonical value; the digits themselves when absent. */
  readonly format?: (value: number) => string
}

/** The readable ones of `fields` as canonical values, a warning for each of the others. */
export const readAliasFields = (labels: ReadonlyMap<string, string>, fields: readonly AliasField[]) => {
  const written = new Map<string, string>()
  const issues: PolicyIssue[] = []
  for (const { label, field, least, fallback, format } of fields) {
    const text = labels.get(label)
    if (text === undefined) continue
    const value = parseGoInteger(text)
    if (value !== undefined && value >= least) {
      written.set(field, format === undefined ? `${value}` : format(value))
    } else {
      const expected = `not a whole number from ${least} to ${MAX_WHOLE_NUMBER}`
      issues.push(
        warningIssue({ field: label, value: text, message: `${quoted(text)} is ${expected}; ${fallback} is used` }),
      )
    }
  }
  return { written, issues }
}

/** A warning for every label below `prefix` that the family does not know, with the one that was probably meant. */
export const unknownAliasLabels = (
  labels: ReadonlyMap<string, string>,
  { prefix, known }: { prefix: string; known: readonly string[] },
): readonly PolicyIssue[] =>
  [...labels]
    .filter(([label]) => label.startsWith(prefix) && !known.includes(label))
    .map(([label, value]) => {
      const meant = didYouMean(label, known)
      const hint = meant === undefined ? `known: ${known.join(', ')}` : `did you mean ${meant}?`
      return warningIssue({ field: label, value, message: `unknown label; ${hint}` })
    })
