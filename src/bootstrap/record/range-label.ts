/** The node label `orrery.network.<name>.range`: the visible copy of what a node was given. Pure. */
import { formatBlock, parseBlock } from '../../foundation/address.ts'
import type { NodeShare } from './record.ts'

/** `172.80.1.0/24`, or `172.80.1.0/24,fd00:40:1::/64`. */
export const formatRangeLabel = ({ range, range6 }: Pick<NodeShare, 'range' | 'range6'>): string =>
  range6 === undefined ? range : `${range},${range6}`

/** In canonical form; `undefined`: the label holds something else. */
export const parseRangeLabel = (label: string): Pick<NodeShare, 'range' | 'range6'> | undefined => {
  const blocks = label.split(',').map((text) => parseBlock(text.trim()))
  const [range, range6, more] = blocks
  if (range?.family !== 4 || more !== undefined || blocks.length > 2) return undefined
  if (blocks.length === 1) return { range: formatBlock(range) }
  return range6?.family === 6 ? { range: formatBlock(range), range6: formatBlock(range6) } : undefined
}
