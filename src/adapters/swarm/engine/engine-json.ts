/**
 * Engine JSON without loss. JSON.parse rounds integers above 2^53, and a spec is written back as it was read,
 * so what goes back is parsed and written with lossless-json; JSON.parse is used only to look.
 */
import { isLosslessNumber, parse, stringify } from 'lossless-json'

export type JsonObject = Readonly<Record<string, unknown>>

/** Throws SyntaxError. */
export const parseLossless = (text: string): unknown => parse(text)

export const writeLossless = (value: unknown): string => stringify(value) ?? 'null'

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)

/** What is at the path, `undefined` where the path ends early; only own properties count. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value
  for (const key of path) {
    if (!isObject(here) || !Object.hasOwn(here, key)) return undefined
    here = here[key]
  }
  return here
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : undefined
}

/** A whole number that JavaScript holds exactly; `undefined` for anything else. */
export function integerAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path)
  const number = isLosslessNumber(found) ? Number(found.value) : found
  return Number.isSafeInteger(number) ? Number(number) : undefined
}

/** The digits of a number as they were sent, however many. */
export function digitsAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path)
  return isLosslessNumber(found) ? found.value : undefined
}

/** A null-prototype record of the string values: label names come from outside, `__proto__` among them. */
export function labelsAt(value: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const labels: Record<string, string> = Object.create(null)
  const found = at(value, ...path)
  if (!isObject(found)) return labels
  for (const [name, text] of Object.entries(found)) if (typeof text === 'string') labels[name] = text
  return labels
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const OPENING = new Set([0x5b, 0x7b])
const CLOSING = new Set([0x5d, 0x7d])

/** Where an object of a JSON array begins in the body, and where it has ended. */
export type Span = readonly [start: number, end: number]

/**
 * The place of each object of a JSON array, without parsing them: of 1000 services usually none has changed, and parsing
 * all of them losslessly takes 150 ms of one core. Throws SyntaxError if the array does not end.
 */
export function* spansOf(body: Buffer): Generator<Span> {
  let depth = 0
  let start = 0
  let ended = false
  for (let index = 0; index < body.length; index += 1) {
    const byte = body[index] ?? 0
    if (byte === QUOTE) index = endOfString(body, index)
    else if (OPENING.has(byte)) {
      depth += 1
      if (depth === 2) start = index
    } else if (CLOSING.has(byte)) {
      depth -= 1
      if (depth === 1) yield [start, index + 1]
      ended = depth === 0
    }
  }
  if (!ended && body.toString('utf8', 0, 16).trim() !== 'null') throw new SyntaxError('the array does not end')
}

/** The text of each, a copy, so that none keeps the whole body in memory. Throws as `spansOf`. */
export function* splitArray(body: Buffer): Generator<string> {
  for (const [start, end] of spansOf(body)) yield body.toString('utf8', start, end)
}

function endOfString(body: Buffer, openingQuote: number): number {
  for (let index = openingQuote + 1; index < body.length; index += 1) {
    if (body[index] === BACKSLASH) index += 1
    else if (body[index] === QUOTE) return index
  }
  throw new SyntaxError('a string does not end')
}
