/** Which role the credential that a caller shows gives it. Compares hashes in constant time, and always all of them. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Role, Token } from './tokens.ts'

/** What a known credential may do, and whose it is. */
export interface Holder {
  readonly role: Role
  /** The third word of the token file, or Orbiter's user. */
  readonly name?: string
}

export interface Credentials {
  readonly tokens: readonly Token[]
  /** `ORBITER_AUTH_USER` and `ORBITER_AUTH_PASS`: the role `scale`. */
  readonly orbiter?: { readonly user: string; readonly pass: string }
}

/** The headers that can carry a credential. */
export interface Shown {
  readonly authorization: string | undefined
  /** `X-Orrery-Token`, for senders whose Authorization is not theirs to set, or is a proxy's: it comes first. */
  readonly token: string | undefined
}

export const showsNothing = ({ authorization, token }: Shown): boolean =>
  authorization === undefined && token === undefined

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** `undefined`: nobody we know. */
export function credentialCheck({ tokens, orbiter }: Credentials): (shown: Shown) => Holder | undefined {
  const bySecret = tokens.map(({ secret, ...holder }) => ({ holder, hash: sha256(secret) }))
  const orbiterPair = orbiter && sha256(`${orbiter.user}:${orbiter.pass}`)
  return ({ authorization, token }) => {
    const credential = token === undefined ? readAuthorization(authorization ?? '') : { secret: token.trim() }
    if (credential === undefined) return undefined
    const { secret, pair } = credential
    const hash = sha256(secret)
    let holder: Holder | undefined
    for (const known of bySecret) if (timingSafeEqual(hash, known.hash)) holder = known.holder
    if (orbiter && orbiterPair && pair !== undefined && timingSafeEqual(sha256(pair), orbiterPair)) {
      holder ??= { role: 'scale', name: orbiter.user }
    }
    return holder
  }
}

interface Credential {
  readonly secret: string
  /** `user:pass`, where it came by Basic. */
  readonly pair?: string
}

/** Bearer, or Basic with the token as its password whoever the user is. */
function readAuthorization(header: string): Credential | undefined {
  const [, scheme = '', value = ''] = /^([A-Za-z]+) +(\S+) *$/.exec(header) ?? []
  if (scheme.toLowerCase() === 'bearer') return { secret: value }
  if (scheme.toLowerCase() !== 'basic') return undefined
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon < 0 ? undefined : { secret: pair.slice(colon + 1), pair }
}
