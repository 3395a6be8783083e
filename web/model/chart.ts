/** A step chart of counts: points in time to paths in pixels. Pure. */

export interface Point {
  readonly atMs: number
  readonly replicas: number
  readonly min: number
  readonly max: number | null
}

export interface Frame {
  readonly fromMs: number
  readonly toMs: number
  readonly width: number
  readonly height: number
}

export interface StepChart {
  /** The count as an SVG path. */
  readonly line: string
  /** Between min and max; empty where nothing is known. */
  readonly band: string
  /** The largest value on the axis, at least 1. */
  readonly top: number
  readonly ticks: readonly { readonly value: number; readonly y: number }[]
  /** From here to the left nothing is remembered; 0: the whole frame is known. */
  readonly unknownWidth: number
}

const round = (value: number) => Math.round(value * 10) / 10

/** Points are sorted by time; the last before the frame says how it begins. */
export function stepChart(points: readonly Point[], frame: Frame): StepChart {
  const shown = inFrame(points, frame)
  const top = Math.max(1, ...shown.map(({ replicas, max }) => Math.max(replicas, max ?? 0)))
  const x = (ms: number) => round(((ms - frame.fromMs) / (frame.toMs - frame.fromMs)) * frame.width)
  const y = (value: number) => round(frame.height - (value / top) * frame.height)
  return {
    line: steps(shown, frame, { x, y: (point) => y(point.replicas) }),
    band: bandPath(shown, frame, { x, y }),
    top,
    ticks: ticksOf(top).map((value) => ({ value, y: y(value) })),
    unknownWidth: shown[0] === undefined ? frame.width : Math.max(0, x(shown[0].atMs)),
  }
}

function inFrame(points: readonly Point[], { fromMs, toMs }: Frame): Point[] {
  const before = points.findLast(({ atMs }) => atMs <= fromMs)
  const inside = points.filter(({ atMs }) => atMs > fromMs && atMs <= toMs)
  return before === undefined ? inside : [{ ...before, atMs: fromMs }, ...inside]
}

interface Scale {
  readonly x: (ms: number) => number
  readonly y: (point: Point) => number
}

function steps(points: readonly Point[], { toMs }: Frame, { x, y }: Scale): string {
  const [first, ...rest] = points
  if (first === undefined) return ''
  const parts = [`M${x(first.atMs)} ${y(first)}`]
  for (const point of rest) parts.push(`H${x(point.atMs)}V${y(point)}`)
  return `${parts.join('')}H${x(toMs)}`
}

function bandPath(
  points: readonly Point[],
  frame: Frame,
  { x, y }: { x: (ms: number) => number; y: (value: number) => number },
): string {
  const known = points.filter(({ max }) => max !== null)
  if (known.length === 0) return ''
  const upper = steps(known, frame, { x, y: ({ max }) => y(max ?? 0) })
  const back = [...known]
    .reverse()
    .map(({ min, atMs }) => `V${y(min)}H${x(atMs)}`)
    .join('')
  return `${upper}${back}Z`
}

/** At most four, whole numbers. */
function ticksOf(top: number): number[] {
  const apart = Math.max(1, Math.ceil(top / 4))
  const ticks: number[] = []
  for (let value = 0; value <= top; value += apart) ticks.push(value)
  return ticks
}
