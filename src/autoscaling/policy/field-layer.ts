/** Layers of written fields: labels over file over aliases over defaults, and what they come to. Pure. */
import { didYouMean } from '../../foundation/did-you-mean.ts'
import { errorIssue, quoted, shown, warningIssue } from './issue.ts'
import type { FieldSource, PolicyField, PolicyIssue } from './policy.ts'
import { candidateNames, type FieldValues, findField, LABEL_PREFIX, POLICY_FIELDS } from './policy-fields.ts'

/** What one source says, by field name. Canonical where it is well formed, else as written. */
export interface FieldLayer {
  readonly source: FieldSource
  readonly values: ReadonlyMap<string, string>
}

/** A field's value and the name it was found under: `step.up` may come from `step`. */
export interface Picked extends PolicyField {
  readonly field: string
}

/**
 * The value that counts. The layer decides first, then the name: whatever a higher layer says, general or specific,
 * beats a lower one, so that one label always overrules a file.
 */
export const pick = (layers: readonly FieldLayer[], ...names: readonly string[]): Picked | undefined => {
  for (const { source, values } of layers) {
    for (const field of names) {
      const value = values.get(field)
      if (value !== undefined) return { field, value, source }
    }
  }
  return undefined
}

/** Of a value that is well formed and yet wrong beside others. */
export const issueOf = (at: Picked, message: string): PolicyIssue =>
  errorIssue({ field: writtenName(at), value: at.value, message })

/** As a person wrote it: in a label with its prefix. */
export const writtenName = ({ field, source }: Picked): string => `${source === 'file' ? '' : LABEL_PREFIX}${field}`

/** The `night` of all fields `schedule.night.…`. */
export const namesOf = (kind: Kind, layers: readonly FieldLayer[]): Iterable<string> =>
  namesByKind(layers.flatMap(({ values }) => [...values.keys()])).get(kind) ?? []

interface WrittenFields {
  readonly source: 'label' | 'file'
  /** What stands before the field name where it was written. */
  readonly prefix: string
  readonly texts: ReadonlyMap<string, string>
}

interface Checked {
  /** Absent: the field does not exist. */
  readonly value?: string
  readonly issue?: PolicyIssue
}

/** What nobody writes by hand is refused before it costs more than to be counted. */
const MOST_CHARACTERS = 16_384
const MOST_OF_A_KIND = 100
const MOST_UNKNOWN = 20

const unknownField = (name: string, value: string, prefix: string): PolicyIssue => {
  const meant = didYouMean(name, candidateNames(name))
  const hint = meant === undefined ? 'docs/labels.md lists the known ones' : `did you mean ${prefix}${meant}?`
  return warningIssue({ field: `${prefix}${name}`, value, message: `unknown field, ignored; ${hint}` })
}

const checkField = (name: string, text: string, prefix: string): Checked => {
  const spec = findField(name)
  if (spec === undefined) return { issue: unknownField(name, text, prefix) }
  const wrong = { field: `${prefix}${name}`, value: text }
  const isLong = text.length > MOST_CHARACTERS
  if (isLong && name !== 'paused' && name !== 'enable') {
    const message = `it has ${text.length} characters; at most ${MOST_CHARACTERS} are read`
    return { value: shown(text), issue: errorIssue({ ...wrong, message }) }
  }
  const value = isLong ? undefined : spec.grammar.canonical(text)
  if (value !== undefined) return { value }
  const reason = isLong ? undefined : spec.grammar.reason?.(text)
  const message = `${quoted(text)} is not ${spec.grammar.expects}${reason === undefined ? '' : `; ${reason}`}`
  // Both are judged on the safe side instead: paused, and not opted in.
  if (name === 'paused')
    return { value: 'true', issue: warningIssue({ ...wrong, message: `${message}; read as \`true\`` }) }
  if (name === 'enable')
    return { value: text, issue: warningIssue({ ...wrong, message: `${message}; read as \`false\`` }) }
  return { value: text, issue: errorIssue({ ...wrong, message }) }
}

/** Validates what a person wrote in labels or in a file. */
export const readLayer = ({ source, prefix, texts }: WrittenFields): { layer: FieldLayer; issues: PolicyIssue[] } => {
  const values = new Map<string, string>()
  const issues: PolicyIssue[] = []
  const named = namesByKind(texts.keys())
  let unknown = 0
  for (const [name, text] of texts) {
    const kind = kindOf(name)?.kind
    if (kind !== undefined && MOST_OF_A_KIND < (named.get(kind)?.size ?? 0)) continue
    if (findField(name) === undefined) unknown += 1
    if (unknown > MOST_UNKNOWN && findField(name) === undefined) continue
    const { value, issue } = checkField(name, text, prefix)
    if (value !== undefined) values.set(name, value)
    if (issue !== undefined) issues.push(issue)
  }
  for (const [kind, { size }] of named) {
    if (size <= MOST_OF_A_KIND) continue
    const message = `${size} names are written for \`${kind}.<n>\`; at most ${MOST_OF_A_KIND} are read`
    issues.push(errorIssue({ field: `${prefix}${kind}`, message }))
  }
  if (unknown > MOST_UNKNOWN) {
    const message = `${unknown - MOST_UNKNOWN} more unknown fields, ignored; docs/labels.md lists the known ones`
    issues.push(warningIssue({ field: `${prefix}…`, message }))
  }
  return { layer: { source, values }, issues }
}

/** `schedule` and `night` of `schedule.night.from`. */
const kindOf = (name: string): { readonly kind: Kind; readonly of: string } | undefined => {
  const [, kind, of] = /^(schedule|metric)\.([^.]+)\./.exec(name) ?? []
  return of === undefined || (kind !== 'schedule' && kind !== 'metric') ? undefined : { kind, of }
}

type Kind = 'schedule' | 'metric'

function namesByKind(fields: Iterable<string>): ReadonlyMap<Kind, ReadonlySet<string>> {
  const names = new Map<Kind, Set<string>>()
  for (const field of fields) {
    const found = kindOf(field)
    if (found !== undefined) names.set(found.kind, (names.get(found.kind) ?? new Set()).add(found.of))
  }
  return names
}

/** `undefined` when a field is malformed: then there is an error issue for it. */
export const fieldValues = (layers: readonly FieldLayer[]): FieldValues | undefined => {
  const values: Record<string, unknown> = {}
  for (const { name, general, member, grammar } of POLICY_FIELDS) {
    if (member === undefined) continue
    const text = pick(layers, name, general ?? name)?.value
    values[member] = text === undefined ? undefined : grammar.parse(text)
    if (text !== undefined && values[member] === undefined) return undefined
  }
  // The type follows from the same rows.
  return values as FieldValues
}
