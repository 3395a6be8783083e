/** Making issues that a person can read whatever was written. Pure. */
import type { PolicyIssue } from './policy.ts'

const MAX_SHOWN = 80

/** A value as it may be shown: labels can be megabytes long. */
export const shown = (value: string): string => (value.length <= MAX_SHOWN ? value : `${value.slice(0, MAX_SHOWN)}…`)

/** The value in quotes, control characters escaped. */
export const quoted = (value: string): string => JSON.stringify(shown(value))

interface Wrong {
  readonly field: string
  readonly value?: string | undefined
  readonly message: string
}

const issue = (severity: PolicyIssue['severity'], { field, value, message }: Wrong): PolicyIssue => ({
  severity,
  field: shown(field),
  ...(value === undefined ? {} : { value: shown(value) }),
  message,
})

/** Makes the policy invalid. */
export const errorIssue = (wrong: Wrong): PolicyIssue => issue('error', wrong)

export const warningIssue = (wrong: Wrong): PolicyIssue => issue('warning', wrong)
