/** Where a JSON answer holds a number: `depth`, `queue.depth`, `items[0].depth`, with or without `$.` before it. Pure. */

const NAME = /^(?:\.?([A-Za-z0-9_$@-]+)|\[([0-9]{1,9})\]|\["([^"\\]{1,200})"\])/

/** The names and indices on the way; `undefined`: no path. */
export function parsePath(text: string): readonly string[] | undefined {
  let rest = text.startsWith('$') && !/^\$[A-Za-z0-9_]/.test(text) ? text.slice(1) : text
  const steps: string[] = []
  while (rest !== '') {
    const match = NAME.exec(rest)
    const step = match?.[1] ?? match?.[2] ?? match?.[3]
    if (match === null || step === undefined) return undefined
    steps.push(step)
    rest = rest.slice(match[0].length)
  }
  return steps.length === 0 ? undefined : steps
}

/** What is there; `undefined`: nothing. Own members only. */
export function valueAt(root: unknown, steps: readonly string[]): unknown {
  let value = root
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = Object.entries(value).find(([name]) => name === step)?.[1]
  }
  return value
}
