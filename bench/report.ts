/** The figures as a table for people, or as JSON. */
import { cpus, totalmem } from 'node:os'
import Table from 'cli-table3'
import { type Figure, verdictOf } from './figure.ts'

export interface Report {
  readonly engine: string
  readonly tookSeconds: number
  readonly figures: readonly Figure[]
}

/** Between rows; the one below the head is `middle`. */
const NO_RULES = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' }

export function tableOf({ engine, tookSeconds, figures }: Report): string {
  const table = new Table({
    head: ['figure', 'measured', 'limit', 'ok'],
    style: { head: [], border: [] },
    chars: NO_RULES,
  })
  for (const figure of figures) {
    table.push([figure.name, figure.measured, figure.limit?.text ?? '', verdictOf(figure)])
  }
  return `${table.toString()}\n${machine()}; engine ${engine}; took ${tookSeconds} s`
}

export const jsonOf = ({ figures, ...rest }: Report): string =>
  JSON.stringify(
    { machine: machine(), ...rest, figures: figures.map((one) => ({ ...one, verdict: verdictOf(one) })) },
    null,
    2,
  )

export const hasFailed = ({ figures }: Pick<Report, 'figures'>): boolean =>
  figures.some((figure) => verdictOf(figure) === 'FAILED')

function machine(): string {
  const [first] = cpus()
  return `${cpus().length} x ${first?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`
}
