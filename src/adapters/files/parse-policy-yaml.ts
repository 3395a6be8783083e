/** One policy file's text as flat fields. */
import { isAlias, isMap, type YAMLMap } from 'yaml'
import type { PolicyIssue } from '../../autoscaling/policy/policy.ts'
import { keyOf, type Parsed, type PlaceOf, parseMapping, textOf, Unparsable } from './yaml-mapping.ts'

export interface ParsedPolicy {
  /** Absent: the file does not say. */
  readonly service?: string
  /** Flattened to dotted names, every value as written. */
  readonly fields: Readonly<Record<string, string>>
  /** Errors: values that are neither a mapping nor a scalar. */
  readonly issues: readonly PolicyIssue[]
}

interface Flattening {
  readonly placeOf: PlaceOf
  readonly fields: Map<string, string>
  readonly issues: PolicyIssue[]
}

const notAValue = (node: unknown): { value: string; kind: string } =>
  isAlias(node)
    ? { value: `*${node.source}`, kind: 'an alias, which policy files do not take' }
    : { value: '[…]', kind: 'a list' }

const flatten = (map: YAMLMap, prefix: string, into: Flattening): void => {
  const keys = new Set<string>()
  for (const pair of map.items) {
    const key = keyOf(pair, into.placeOf)
    const name = `${prefix}${key}`
    const node: unknown = pair.value
    const text = textOf(node)
    // `step: {up: 2}` and `step.up: 2` are one field as well.
    if (keys.has(key) || into.fields.has(name))
      throw new Unparsable(`${into.placeOf(pair.key)}${name} is written twice`)
    keys.add(key)
    if (isMap(node)) {
      flatten(node, `${name}.`, into)
    } else if (text === undefined) {
      const { value, kind } = notAValue(node)
      const message = `${into.placeOf(pair.key)}${kind}; a text, a number, true or false is needed`
      into.issues.push({ severity: 'error', field: name, value, message })
    } else {
      into.fields.set(name, text)
    }
  }
}

const policyOf = (map: YAMLMap, placeOf: PlaceOf): ParsedPolicy => {
  const into: Flattening = { placeOf, fields: new Map(), issues: [] }
  flatten(map, '', into)
  const service = into.fields.get('service')
  into.fields.delete('service')
  if (service === '') {
    into.issues.push({
      severity: 'error',
      field: 'service',
      value: '',
      message: 'the name of a Swarm service is needed',
    })
  }
  return { ...(service ? { service } : {}), fields: Object.fromEntries(into.fields), issues: into.issues }
}

/** Never throws on any text. */
export const parsePolicyYaml = (text: string): Parsed<ParsedPolicy> => parseMapping(text, 'max: 10', policyOf)
