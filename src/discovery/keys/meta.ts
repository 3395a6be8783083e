/** Attributes to Consul's Meta, within its limits: one that it would refuse is left out, so that the entry stays. Pure. */
import { OWN_META } from '../entry.ts'
import { type Issue, issueOf, type WrittenKey } from './service-keys.ts'

const MOST_PAIRS = 64
const MOST_KEY = 128
const MOST_VALUE = 512
const NO_ATTRIBUTES = new Set(['name', 'tags', 'id', 'ignore'])

export function metaOf(
  keys: ReadonlyMap<string, WrittenKey>,
  own: Readonly<Record<string, string>>,
): { readonly meta: Readonly<Record<string, string>>; readonly issues: readonly Issue[] } {
  const issues: Issue[] = []
  const room = MOST_PAIRS - Object.keys(own).length
  const kept: [string, string][] = []
  for (const [name, { key, value }] of keys) {
    if (NO_ATTRIBUTES.has(name) || name.startsWith('check_')) continue
    const wrong = wrongPair(name, value) ?? (kept.length < room ? undefined : `is one too many: ${room} attributes fit`)
    if (wrong === undefined) kept.push([name, value])
    else issues.push(issueOf(key, value, `is left out of Consul's Meta: it ${wrong}`))
  }
  return { meta: Object.fromEntries([...kept, ...Object.entries(own)]), issues }
}

function wrongPair(name: string, value: string): string | undefined {
  if ((OWN_META as readonly string[]).includes(name)) return 'has a name that says whose the entry is; choose another'
  if (name.startsWith('consul-')) return 'begins with consul-, which is kept for Consul itself'
  if (!/^[a-z0-9_-]+$/.test(name)) return 'has a name with other characters than letters, digits, _ and -'
  if (name.length > MOST_KEY) return `has a name of ${name.length} characters; at most ${MOST_KEY} would be right`
  const bytes = utf8Length(value)
  return bytes > MOST_VALUE ? `is ${bytes} bytes long; at most ${MOST_VALUE} would be right` : undefined
}

function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    if (point < 0x80) bytes += 1
    else if (point < 0x800) bytes += 2
    else bytes += point < 0x10000 ? 3 : 4
  }
  return bytes
}
