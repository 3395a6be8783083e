/** Collects what is wrong in one definition. Pure. */
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { DefinitionIssue } from './definition.ts'

/** Where, what was written there, what is wrong and what would be right. */
export interface Complaint {
  readonly field?: string
  readonly value?: unknown
  /** Goes on after what was written, or after the field: `lies outside the subnet 172.80.0.0/16`. */
  readonly message: string
}

export interface Issues {
  error(complaint: Complaint): void
  warning(complaint: Complaint): void
  readonly list: readonly DefinitionIssue[]
}

const MAX_SHOWN = 80

/** As written, if it was one text; else what kind of thing it is. */
const shown = (value: unknown): string => {
  const text = textOf(value)
  if (text !== undefined) return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
  return Array.isArray(value) ? '[…]' : '{…}'
}

/** The text of a scalar; `undefined`: a list or a mapping. Nothing written is the empty text. */
export const textOf = (value: unknown): string | undefined => {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value.trim()
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
    ? String(value)
    : undefined
}

export const collectIssues = (file: string): Issues => {
  const list: DefinitionIssue[] = []
  const subjectOf = ({ field, value }: Complaint): string => {
    if (value !== undefined) return `${shown(value) || 'an empty value'} `
    return field === undefined ? '' : `\`${field}\` `
  }
  const add = (level: DefinitionIssue['level'], complaint: Complaint) => {
    const { field, value } = complaint
    const written = value === undefined ? undefined : shown(value)
    const message = `${subjectOf(complaint)}${complaint.message}`
    list.push({ file, ...withoutUndefined({ field, value: written }), level, message })
  }
  return { error: (complaint) => add('error', complaint), warning: (complaint) => add('warning', complaint), list }
}
