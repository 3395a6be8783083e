/** From what one file says to a network definition. Pure, total: every mistake is told at once, none is thrown. */
import { didYouMean } from '../../foundation/did-you-mean.ts'
import { isJsonObject } from '../../foundation/stored-json.ts'
import type { DefinitionIssue, NetworkDefinition } from './definition.ts'
import { collectIssues, type Issues, textOf } from './definition-issues.ts'
import { readFamily } from './read-family.ts'

export interface DefinitionReading {
  /** Absent: there are errors. */
  readonly definition?: NetworkDefinition
  /** The network's name, if that much could be read. */
  readonly name?: string
  readonly issues: readonly DefinitionIssue[]
}

export interface DefinitionField {
  readonly name: string
  /** As the operator would write it, or in words what happens when it is absent. */
  readonly defaultText: string
}

const field = (name: string, defaultText: string): DefinitionField => ({ name, defaultText })

const NONE = '–'

/** The one list; networks/README.md is checked against it. */
export const DEFINITION_FIELDS: readonly DefinitionField[] = [
  field('name', 'required'),
  field('config', '<name>_config'),
  field('driver', 'macvlan'),
  field('parent', 'auto'),
  field('subnet', 'required'),
  field('gateway', NONE),
  field('pool', 'required, unless nodes are pinned'),
  field('range', 'required'),
  field('reserve', NONE),
  field('nodes', NONE),
  field('subnet6', NONE),
  field('gateway6', NONE),
  field('pool6', 'required with subnet6, unless nodes are pinned'),
  field('range6', 'required with subnet6'),
  field('reserve6', NONE),
  field('nodes6', NONE),
  field('edges', 'reserve'),
  field('shim', 'true'),
  field('onFault', 'report'),
]

const FIELDS_6 = DEFINITION_FIELDS.map(({ name }) => name).filter((name) => name.endsWith('6') && name !== 'subnet6')

/** The engine's own networks. */
const ENGINE_NETWORKS = ['bridge', 'host', 'none', 'default', 'ingress', 'docker_gwbridge']

const NAME = /^[a-z0-9][a-z0-9_-]{0,40}$/
const CONFIG_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/
/** What the kernel takes as the name of a link. */
const LINK = /^[^\s/:]+$/
const MAX_LINK_LENGTH = 15
const MAX_VLAN_ID = 4094

type Written = ReadonlyMap<string, unknown>

interface Source {
  readonly written: Written
  readonly issues: Issues
}

/** By field, without those that are written and left empty. Unknown ones are told and left out. */
const knownFields = (value: object, issues: Issues): Written => {
  const written = new Map<string, unknown>()
  const names = DEFINITION_FIELDS.map(({ name }) => name)
  for (const [name, content] of Object.entries(value)) {
    if (names.includes(name)) {
      if (textOf(content) !== '') written.set(name, content)
      continue
    }
    const meant = didYouMean(name, names)
    const hint = meant === undefined ? `known are ${names.join(', ')}` : `did you mean \`${meant}\`?`
    issues.warning({ field: name, message: `is not a field of a network definition and has no effect; ${hint}` })
  }
  return written
}

/** A text that matches, or `undefined` and a complaint. */
const readText = ({ written, issues }: Source, field: string, expected: { pattern: RegExp; right: string }) => {
  const value = written.get(field)
  if (value === undefined) return undefined
  const text = textOf(value)
  if (text !== undefined && expected.pattern.test(text)) return text
  issues.error({ field, value, message: `cannot be the ${field} of a network; ${expected.right}` })
  return undefined
}

const readName = (source: Source): string | undefined => {
  const { written, issues } = source
  const right = 'write 1 to 41 lower case letters, digits, _ and -, beginning with a letter or digit'
  if (!written.has('name')) issues.error({ field: 'name', message: `is missing; ${right}: vlan40` })
  const name = readText(source, 'name', { pattern: NAME, right })
  if (name === undefined || !ENGINE_NETWORKS.includes(name)) return name
  issues.error({ field: 'name', value: name, message: "is one of the engine's own networks; write another name" })
  return undefined
}

const readConfigName = (source: Source, name: string | undefined): string => {
  const right = 'write at most 63 letters, digits, _, . and -, beginning with a letter or digit'
  const configName = readText(source, 'config', { pattern: CONFIG_NAME, right }) ?? `${name}_config`
  const { issues } = source
  if (configName === name) {
    const message = `is the name of the swarm network too; the config-only network needs one of its own, such as ${name}_config`
    issues.error({ field: 'config', value: configName, message })
  }
  return configName
}

interface Choice<Value extends string> {
  readonly field: string
  readonly values: readonly Value[]
  readonly otherwise: Value
}

const readChoice = <Value extends string>({ written, issues }: Source, choice: Choice<Value>): Value => {
  const { field, values, otherwise } = choice
  const value = written.get(field)
  if (value === undefined) return otherwise
  const text = textOf(value)
  const found = values.find((known) => known === text)
  if (found !== undefined) return found
  issues.error({ field, value, message: `is not a value of \`${field}\`; write ${values.join(' or ')}` })
  return otherwise
}

/** Link names: at most 15 characters, and a VLAN id that there can be. */
const readParent = ({ written, issues }: Source): string => {
  const field = 'parent'
  const value = written.get(field)
  if (value === undefined) return 'auto'
  const parent = textOf(value) ?? ''
  const fail = (message: string) => issues.error({ field, value, message })
  const [bare, lower] = parent.split('@')
  if (lower !== undefined) {
    fail(`is how ip(8) shows a link and what it is on; its name is what stands before the @: write ${bare}`)
  } else if (!LINK.test(parent) || parent === '.' || parent === '..') {
    fail('is not the name of a link; write one such as bond0 or bond0.40, or auto for the one that is in the subnet')
  } else if (parent.length > MAX_LINK_LENGTH) {
    fail(`has ${parent.length} characters, and a link's name at most ${MAX_LINK_LENGTH}; give the link a shorter name`)
  }
  const [, vlan] = /^[^.]+\.([0-9]+)$/.exec(parent) ?? []
  if (vlan !== undefined && (Number(vlan) < 1 || Number(vlan) > MAX_VLAN_ID)) {
    fail(`has the VLAN id ${vlan}, and those go from 1 to ${MAX_VLAN_ID}`)
  }
  return parent
}

const read = (value: object, issues: Issues): Omit<DefinitionReading, 'issues'> => {
  const written = knownFields(value, issues)
  const source = { written, issues }
  const name = readName(source)
  const configName = readConfigName(source, name)
  const driver = readChoice(source, { field: 'driver', values: ['macvlan', 'ipvlan'], otherwise: 'macvlan' })
  const parent = readParent(source)
  const edges = readChoice(source, { field: 'edges', values: ['reserve', 'use'], otherwise: 'reserve' })
  const shim = readChoice(source, { field: 'shim', values: ['true', 'false'], otherwise: 'true' }) === 'true'
  const onFault = readChoice(source, { field: 'onFault', values: ['report', 'pause'], otherwise: 'report' })
  const wishes = { edges, shim }
  const ipv4 = readFamily({ family: 4, written, wishes, issues })
  const wantsSix = written.has('subnet6') || FIELDS_6.some((field) => written.has(field))
  const ipv6 = wantsSix ? readFamily({ family: 6, written, wishes, issues }) : undefined
  const named = name === undefined ? {} : { name }
  if (name === undefined || ipv4 === undefined || issues.list.some(({ level }) => level === 'error')) return named
  const six = ipv6 === undefined ? {} : { ipv6 }
  return { ...named, definition: { name, configName, driver, parent, ipv4, ...six, edges, shim, onFault } }
}

/**
 * `value` is the plain value of one YAML document: texts, numbers and booleans, lists and mappings. `file` is for the
 * issues. An ipvlan shim is allowed: like macvlan's, it is a link of its own on the same parent, and reaches the others.
 */
export const readDefinition = (file: string, value: unknown): DefinitionReading => {
  const issues = collectIssues(file)
  if (!isJsonObject(value)) {
    issues.error({ message: 'fields and their values are needed: `name: vlan40`' })
    return { issues: issues.list }
  }
  return { ...read(value, issues), issues: issues.list }
}
