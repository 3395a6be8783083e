/** The direction in a body of Orbiter's: `{"direction": true}` is up. As lenient as Go's decoder, except that nothing is no longer "down". */
import type { Direction } from '../../../autoscaling/policy/policy.ts'

/** `undefined`: the body names no direction. Key in any case, the last one wins; text after the first JSON value is ignored. */
export function readOrbiterDirection(body: string): Direction | undefined {
  const value = parsed(firstObject(body))
  if (typeof value !== 'object' || value === null) return undefined
  const [, direction] = Object.entries(value).findLast(([key]) => key.toLowerCase() === 'direction') ?? []
  if (typeof direction !== 'boolean') return undefined
  return direction ? 'up' : 'down'
}

/** The JSON value of a whole body; `undefined`: it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

/** Up to the brace that closes the first one. */
function firstObject(text: string): string {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (inString) {
      if (character === '\\') at += 1
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{') depth += 1
    else if (character === '}') {
      depth -= 1
      if (depth <= 0) return text.slice(0, at + 1)
    }
  }
  return text
}
