/** JSON that anybody can have written: into labels, as a body, as an answer. What cannot be read is `undefined`, never a fault. Pure. */

/** The object that the text is; `undefined`: no text, no JSON, or JSON of another kind. */
export function parseJsonObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export const isJsonObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A count or a time: an integer that JSON carries exactly, 0 or more. */
export const isWhole = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
