/** One network definition's text as a plain value: texts, lists and mappings, as they are written. */
import { isAlias, isMap, isSeq, type YAMLMap } from 'yaml'
import { keyOf, type Parsed, type PlaceOf, parseMapping, textOf, Unparsable } from './yaml-mapping.ts'

export type PlainValue = string | readonly PlainValue[] | { readonly [field: string]: PlainValue }

const plainValue = (node: unknown, placeOf: PlaceOf): PlainValue => {
  const text = textOf(node)
  if (text !== undefined) return text
  if (isMap(node)) return mappingOf(node, placeOf)
  if (isSeq(node)) return node.items.map((item) => plainValue(item, placeOf))
  if (isAlias(node))
    throw new Unparsable(`${placeOf(node)}*${node.source} is an alias, which network files do not take`)
  throw new Unparsable(`${placeOf(node)}a text, a list or a mapping is needed`)
}

const mappingOf = (map: YAMLMap, placeOf: PlaceOf): { readonly [field: string]: PlainValue } => {
  const fields = new Map<string, PlainValue>()
  for (const pair of map.items) {
    const key = keyOf(pair, placeOf)
    if (fields.has(key)) throw new Unparsable(`${placeOf(pair.key)}${key} is written twice`)
    fields.set(key, plainValue(pair.value, placeOf))
  }
  return Object.fromEntries(fields)
}

/** Never throws on any text. */
export const parseDefinitionYaml = (text: string): Parsed<PlainValue> => parseMapping(text, 'name: vlan40', mappingOf)
