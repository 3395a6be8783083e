/** What every YAML file of ours is: one mapping, whose keys and scalars count as they are written. */
import { isMap, isScalar, type Pair, type YAMLMap } from 'yaml'
import { readYamlDocument, Unparsable, type YamlDocument } from './yaml-document.ts'

type PlaceOf = YamlDocument['placeOf']

/** Throws Unparsable. `example` is a line such a file may have. */
export const readYamlMapping = (
  text: string,
  example: string,
): { readonly map: YAMLMap; readonly placeOf: PlaceOf } => {
  const { contents, placeOf } = readYamlDocument(text)
  // An editor that truncates before it writes leaves an empty file for a moment: that is no file without fields.
  if (contents === null || (isScalar(contents) && contents.value === null)) throw new Unparsable('the file is empty')
  if (!isMap(contents)) throw new Unparsable(`${placeOf(contents)}fields and their values are needed: \`${example}\``)
  return { map: contents, placeOf }
}

/** Throws Unparsable. */
export const keyOf = ({ key }: Pair, placeOf: PlaceOf): string => {
  if (isScalar(key) && key.source) return key.source
  throw new Unparsable(`${placeOf(key)}the name of a field must be plain text`)
}

/** Scalars keep the text that was written: `010`, `no` and `1e3` must not become something else on the way. */
export const textOf = (node: unknown): string | undefined => {
  if (node === null) return ''
  return isScalar(node) ? (node.source ?? '') : undefined
}
