/** Tables for people: no colours, so that they can be kept and compared. */
import Table from 'cli-table3'

export function textTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } })
  for (const row of rows) table.push([...row])
  return `${table.toString()}\n`
}
