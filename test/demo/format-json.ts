const WIDTH = 100

/** JSON for people: what fits on a line stays on it. A member named `…` stands for those that are left out. */
export function formatJson(value: unknown, indent = ''): string {
  const flat = inline(value)
  if (typeof value !== 'object' || value === null || indent.length + flat.length <= WIDTH) return flat
  const deeper = `${indent}  `
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  const lines = Array.isArray(value)
    ? value.map((item) => `${deeper}${formatJson(item, deeper)}`)
    : Object.entries(value).map(([key, item]) => `${deeper}${member(key, formatJson(item, deeper))}`)
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`
}

function inline(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  const members = Object.entries(value).map(([key, item]) => member(key, inline(item)))
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}

const member = (key: string, text: string) => (key === '…' ? key : `${JSON.stringify(key)}: ${text}`)

/** The members at these dotted paths, in this order, and `…` wherever others are left out. A `/` stands for a dot in a name. */
export function only(value: unknown, paths: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || paths.length === 0) return value
  const source = value as Record<string, unknown>
  const heads = [...new Set(paths.map((path) => path.split('.')[0] ?? ''))].filter((head) => head in source)
  const picked = heads.map((head) => {
    const below = paths.filter((path) => path.startsWith(`${head}.`)).map((path) => path.slice(head.length + 1))
    return [head, only(source[head], below)] as const
  })
  const more = heads.length < Object.keys(source).length ? [['…', null] as const] : []
  return Object.fromEntries([...picked, ...more])
}
