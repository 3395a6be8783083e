/** Tables for people: no colours, so that they can be kept and compared. */
import Table from 'cli-table3'
import { visibleText } from '../foundation/visible-text.ts'

/** A list: a line for each of what there is, `-` for nothing. */
export type Cell = string | number | readonly (string | undefined)[]

export interface TableOptions {
  /** A rule between rows, where many cells have several lines. */
  readonly isRuled?: boolean
}

export function textTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  { isRuled = false }: TableOptions = {},
): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: !isRuled } })
  for (const row of rows) table.push(row.map(shown))
  return `${table.toString()}\n`
}

function shown(cell: Cell): string | number {
  if (typeof cell === 'number') return cell
  if (typeof cell === 'string') return visibleText(cell)
  return cell.flatMap((line) => (line ? [visibleText(line)] : [])).join('\n') || '-'
}
