/**
 * A policy: what one service may be scaled to, how far and how often. Built from labels and files
 * by `read-policy.ts`; docs/labels.md has every field with its default.
 */

import type { LoadPolicy } from '../load/load-policy.ts'
import type { ScheduleWindow } from '../schedule/window.ts'
import type { FieldValues } from './policy-fields.ts'

export type { PauseScope } from './field-grammar.ts'
export type { Direction, Step } from './step.ts'

/** Its plain members are the rows of `policy-fields.ts` that name one. */
export interface Policy extends FieldValues {
  readonly min: number
  /** `null`: no maximum is known, so the count never grows (the `swarm.autoscaler` family). */
  readonly max: number | null
  /** Whether a person wrote the bound. A written bound is kept unasked; a defaulted max limits growth only. */
  readonly minWritten: boolean
  readonly maxWritten: boolean
  /** Windows in which other bounds hold. */
  readonly schedules: readonly ScheduleWindow[]
  /** Absent: no metric is followed. */
  readonly load?: LoadPolicy
}

/** Where a field's value came from. */
export type FieldSource = 'label' | 'file' | 'orbiter' | 'com.df' | 'swarm.autoscaler' | 'default'

export interface PolicyField {
  /** As the operator would write it: `30s`, `25%`, `true`. */
  readonly value: string
  readonly source: FieldSource
}

/** Something wrong with what was written. An `error` makes the policy invalid: no scaling. */
export interface PolicyIssue {
  readonly severity: 'error' | 'warning'
  /** The label or file field, as written: `autoscaler.max`, `cooldown.up`. */
  readonly field: string
  readonly value?: string
  /** What is wrong and what would be right. */
  readonly message: string
}

/** What was read of one service's labels and file. */
export interface PolicyReading {
  readonly optedIn: boolean
  /** The autoscaler's name in URLs. */
  readonly name: string
  /** Absent when an issue is an error. */
  readonly policy?: Policy
  /** Why the service cannot be scaled by any policy (`swarm.cronjob.enable=true`); mode is judged elsewhere. */
  readonly unsupported?: string
  /** Every field of the policy by its label's name without prefix: `min`, `step.up`. */
  readonly fields: Readonly<Record<string, PolicyField>>
  readonly issues: readonly PolicyIssue[]
}

/** A policy file as the reader wants it: fields flattened to dotted names, every value as written. */
export interface PolicyFile {
  /** File name without `.yaml`: the autoscaler's name unless a label says otherwise. */
  readonly name: string
  /** The Swarm service it is for. */
  readonly service: string
  readonly fields: Readonly<Record<string, string>>
  /** Set when the newest content does not parse and `fields` is the last good version. */
  readonly issues: readonly PolicyIssue[]
}
