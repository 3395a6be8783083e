/** The count over time as a few lines of text. Pure. */

const WIDTH = 60
const HEIGHT = 8
const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** Points oldest first. One column is a sixtieth of the time; it shows the highest count in it. */
export function historyChart(
  points: readonly { readonly at: string; readonly replicas: number }[],
  nowMs: number,
): string {
  const [first] = points
  if (first === undefined) return ''
  const fromMs = Date.parse(first.at)
  const lastMs = Math.max(nowMs, fromMs + 1000)
  const columnMs = (lastMs - fromMs) / WIDTH
  const values = Array.from({ length: WIDTH }, (_, column) => highest(points, fromMs + column * columnMs, columnMs))
  const top = Math.max(1, ...values)
  const lines = Array.from({ length: HEIGHT }, (_, line) => {
    const floor = HEIGHT - 1 - line
    const cells = values.map((value) => BLOCKS[eighths((value / top) * HEIGHT - floor)] ?? ' ')
    const label = line === 0 ? String(top) : line === HEIGHT - 1 ? '0' : ''
    return `${label.padStart(5)} ${cells.join('')}`
  })
  return `${lines.join('\n')}\n      ${first.at}${'now'.padStart(Math.max(4, WIDTH - first.at.length))}\n`
}

const eighths = (part: number): number => Math.max(0, Math.min(8, Math.round(part * 8)))

function highest(
  points: readonly { readonly at: string; readonly replicas: number }[],
  startMs: number,
  lengthMs: number,
): number {
  let value = 0
  for (const { at, replicas } of points) {
    const ms = Date.parse(at)
    if (ms <= startMs) value = replicas
    else if (ms < startMs + lengthMs) value = Math.max(value, replicas)
  }
  return value
}
