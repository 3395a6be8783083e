/** The token file: a line each `role token [name]`, `#` and blank lines skipped. Pure. */

const ROLES = ['read', 'scale', 'admin', 'agent'] as const
export type Role = (typeof ROLES)[number]

export interface Token {
  readonly role: Role
  readonly secret: string
  /** Who has it: shown beside what was done with it. */
  readonly name?: string
}

/** Says everything wrong by line number, and no line's content: it may be a secret. */
export function parseTokenFile(text: string): {
  readonly tokens: readonly Token[]
  readonly problems: readonly string[]
} {
  const tokens: Token[] = []
  const problems: string[] = []
  const lineOf = new Map<string, number>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const number = index + 1
    const words = line.trim().split(/\s+/)
    const [roleWord, secret, name, ...rest] = words
    if (roleWord === undefined || roleWord === '' || roleWord.startsWith('#')) continue
    const role = ROLES.find((known) => known === roleWord)
    const before = secret === undefined ? undefined : lineOf.get(secret)
    if (secret === undefined || rest.length > 0) {
      problems.push(
        `line ${number} has ${words.length} words; write a role, a token and, if you like, a name in one word`,
      )
    } else if (role === undefined) {
      problems.push(`line ${number} does not begin with a role; write one of ${ROLES.join(', ')}`)
    } else if (before !== undefined) {
      problems.push(`line ${number} repeats the token of line ${before}; give every token one role`)
    } else {
      lineOf.set(secret, number)
      tokens.push({ role, secret, ...(name !== undefined && { name }) })
    }
  }
  if (tokens.length === 0 && problems.length === 0)
    problems.push('it holds no token; write a line such as: scale <token>')
  return { tokens, problems }
}

const SHORT = 16

/** Of a file without problems: what is short enough to be guessed or mistyped into, by line number. */
export const shortTokens = (text: string): readonly string[] =>
  text.split(/\r?\n/).flatMap((line, index) => {
    const [role = '#', secret = ''] = line.trim().split(/\s+/)
    const isShort = secret !== '' && !role.startsWith('#') && secret.length < SHORT
    return isShort ? [`the token of line ${index + 1} has fewer than ${SHORT} characters: openssl rand -hex 24`] : []
  })

const RANK: Readonly<Record<Exclude<Role, 'agent'>, number>> = { read: 0, scale: 1, admin: 2 }

/** `read` < `scale` < `admin`; `agent` stands apart. */
export const mayActAs = (held: Role, needed: Role): boolean =>
  held === 'agent' || needed === 'agent' ? held === needed : RANK[held] >= RANK[needed]
