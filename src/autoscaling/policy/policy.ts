/**
 * A policy: what one service may be scaled to, how far and how often. Built from labels and files
 * by `read-policy.ts`; docs/labels.md has every field with its default.
 */

import type { LoadPolicy } from '../load/load-policy.ts'
import type { ScheduleWindow } from '../schedule/window.ts'

/** How far one call moves the count: a number of replicas, or per cent of the current count. */
export type Step =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'percent'; readonly percent: number }

export type Direction = 'up' | 'down'

/** Which directions a pause stops. */
export type PauseScope = 'none' | Direction | 'both'

export interface Policy {
  readonly min: number
  /** `null`: no maximum is known, so the count never grows (the `swarm.autoscaler` family). */
  readonly max: number | null
  /** Whether a person wrote the bound. A written bound is kept unasked; a defaulted max limits growth only. */
  readonly minWritten: boolean
  readonly maxWritten: boolean
  readonly stepUp: Step
  readonly stepDown: Step
  readonly cooldownUpMs: number
  readonly cooldownDownMs: number
  readonly rollout: 'hold' | 'off'
  readonly unschedulable: 'hold' | 'off'
  readonly paused: PauseScope
  readonly dryRun: boolean
  readonly onFiring: 'step' | 'repeat'
  readonly onResolved: 'none' | 'down'
  readonly onDeploy: 'restore' | 'restore-now' | 'accept'
  /** `undefined`: the default, which depends on whether Alertmanager can be asked. */
  readonly alertTtlMs: number | undefined
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
  /** Why the service can not be scaled by any policy (`swarm.cronjob.enable=true`); mode is judged elsewhere. */
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
