/** Which role a caller's Authorization header gives it. Compares hashes in constant time, and always all of them. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Role, Token } from './tokens.ts'

export interface Credentials {
  readonly tokens: readonly Token[]
  /** `ORBITER_AUTH_USER` and `ORBITER_AUTH_PASS`: the role `scale`. */
  readonly orbiter?: { readonly user: string; readonly pass: string }
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** `undefined`: nobody we know. */
export function credentialCheck({ tokens, orbiter }: Credentials): (authorization: string) => Role | undefined {
  const bySecret = tokens.map(({ role, secret }) => ({ role, hash: sha256(secret) }))
  const orbiterPair = orbiter && sha256(`${orbiter.user}:${orbiter.pass}`)
  return (authorization) => {
    const shown = readAuthorization(authorization)
    if (shown === undefined) return undefined
    const hash = sha256(shown.secret)
    let role: Role | undefined
    for (const known of bySecret) if (timingSafeEqual(hash, known.hash)) role = known.role
    if (orbiterPair && shown.pair !== undefined && timingSafeEqual(sha256(shown.pair), orbiterPair)) role ??= 'scale'
    return role
  }
}

/** Bearer, or Basic with the token as its password whoever the user is. */
function readAuthorization(header: string): { readonly secret: string; readonly pair?: string } | undefined {
  const [, scheme = '', value = ''] = /^([A-Za-z]+) +(\S+) *$/.exec(header) ?? []
  if (scheme.toLowerCase() === 'bearer') return { secret: value }
  if (scheme.toLowerCase() !== 'basic') return undefined
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon < 0 ? undefined : { secret: pair.slice(colon + 1), pair }
}
