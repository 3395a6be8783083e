/** What stands on the command line, checked before a command runs; each throws commander's own error, which ends with 2. */
import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../foundation/duration.ts'

export function boolean(text: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true
  if (/^(0|f|false)$/i.test(text)) return false
  throw new InvalidArgumentError('write true or false')
}

export function count(text: string): string {
  if (/^\d{1,10}$/.test(text)) return text
  throw new InvalidArgumentError('write a whole number')
}

export function duration(text: string): string {
  if ((parseDuration(text) ?? 0) > 0) return text
  throw new InvalidArgumentError('write a duration such as 30s or 5m')
}
