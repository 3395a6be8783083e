/** `nodes`: which node has which range, by host name or id. Pure. */
import type { Block } from '../../foundation/address.ts'
import { type Issues, textOf } from './definition-issues.ts'
import { type Place, readBlock } from './read-spans.ts'

export interface Pin {
  /** `nodes.manager1`. */
  readonly field: string
  /** A host name or a node id. */
  readonly key: string
  readonly block: Block
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Those that can be read; every mistake is told. */
export const readPins = ({ field, value, family }: Place, issues: Issues): readonly Pin[] => {
  if (value === undefined || textOf(value) === '') return []
  if (!isMapping(value)) {
    const example = family === 4 ? '{manager1: 172.80.1.0/24}' : '{manager1: "fd00:40:0:0:1::/80"}'
    issues.error({
      field,
      value,
      message: `is no mapping; write host names or node ids with their ranges, such as ${example}`,
    })
    return []
  }
  return Object.entries(value).flatMap(([key, range]): Pin[] => {
    const place = { field: `${field}.${key}`, value: range ?? '', family }
    const isName = /^\S+$/.test(key)
    if (!isName) issues.error({ field: place.field, value: key, message: 'is neither a host name nor a node id' })
    const block = readBlock(place, issues)
    return isName && block !== undefined ? [{ field: place.field, key, block }] : []
  })
}
