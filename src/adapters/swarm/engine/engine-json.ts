/**
 * Engine JSON without loss. JSON.parse rounds integers above 2^53, and a spec is written back as it was read,
 * so what goes back is parsed and written with lossless-json; JSON.parse is used only to look.
 */
import { isLosslessNumber, parse, stringify } from 'lossless-json'
import { EngineError } from './engine-errors.ts'

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

/** A time as Go writes it (RFC 3339 with up to 9 decimals) as ns since the epoch in digits; empty if it is not that. */
export function nanoOf(time: string | undefined): string {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(time ?? '')
  const seconds = Date.parse(`${parts?.[1]}Z`) / 1000
  return Number.isNaN(seconds) ? '' : `${seconds}${(parts?.[2] ?? '').padEnd(9, '0')}`
}

/** What every object of the Swarm has; of a service only its parts are kept. */
export interface ObjectHead {
  readonly id: string
  readonly version: number
  /** As it was read, without loss. */
  readonly spec: JsonObject
  /** UpdatedAt in ns since the epoch, as digits: equals `timeNano` of the event that announced this version. */
  readonly updatedAtNano: string
}

/** Takes one parsed by `parseLossless`. Throws EngineError `malformed` without id, version or spec. */
export function headOf(raw: unknown, kind: 'node' | 'config'): ObjectHead {
  const id = textAt(raw, 'ID')
  const version = integerAt(raw, 'Version', 'Index')
  const spec = at(raw, 'Spec')
  if (id === undefined || version === undefined || !isObject(spec)) {
    throw new EngineError('malformed', `The engine sent a ${kind} without an id, a version or a spec.`)
  }
  return { id, version, spec, updatedAtNano: nanoOf(textAt(raw, 'UpdatedAt')) }
}
