/** Who may do what (docs/http-api.md, "Access"), as one function of one request. */
import { type Credentials, credentialCheck, type Holder, type Shown, showsNothing } from './credentials.ts'
import type { GrafanaSigning } from './grafana-signature.ts'
import { trustedPeers } from './peer.ts'
import { mayActAs, type Role, type Token } from './tokens.ts'

export interface AccessRules {
  /** Absent: no token file, so reads are open and writes are local. */
  readonly tokens?: readonly Token[]
  readonly orbiter?: NonNullable<Credentials['orbiter']>
  /** Well-formed CIDRs; only without a token file. */
  readonly trustedCidrs: readonly string[]
  /** Present: Grafana's webhook takes what is signed so, and nothing else. */
  readonly grafana?: GrafanaSigning
}

/** The parts of a request that access depends on. */
export interface Caller extends Shown {
  /** The socket's peer; never a header. */
  readonly address: string | undefined
  readonly origin: string | undefined
  readonly fetchSite: string | undefined
}

export type Verdict =
  /** `name`: whose credential it was; absent: nobody's, or one without a name. */
  | { readonly allowed: true; readonly name?: string }
  | {
      readonly allowed: false
      readonly code: 'no-credential' | 'wrong-credential' | 'role-too-low' | 'writes-closed'
      readonly detail: string
    }

const ALLOWED: Verdict = { allowed: true }
const allow = ({ name }: Holder): Verdict => (name === undefined ? ALLOWED : { allowed: true, name })

export type Judge = (caller: Caller, needed: Role) => Verdict

export function createJudge(rules: AccessRules): Judge {
  return rules.tokens === undefined ? openJudge(rules) : tokenJudge(rules, rules.tokens)
}

function tokenJudge({ orbiter }: AccessRules, tokens: readonly Token[]): Judge {
  const roleOf = credentialCheck({ tokens, ...(orbiter && { orbiter }) })
  return (caller, needed) => {
    if (showsNothing(caller)) return noCredential(needed)
    const held = roleOf(caller)
    if (held === undefined) return wrongCredential
    return mayActAs(held.role, needed) ? allow(held) : roleTooLow(held.role, needed)
  }
}

function openJudge({ orbiter, trustedCidrs }: AccessRules): Judge {
  const isTrusted = trustedPeers(trustedCidrs)
  const roleOf = orbiter && credentialCheck({ tokens: [], orbiter })
  return (caller, needed) => {
    if (needed === 'read') return ALLOWED
    const { address, origin, fetchSite } = caller
    // A page on any web site can make a browser on this machine send requests; they carry one of these.
    if (origin !== undefined || fetchSite === 'cross-site')
      return writesClosed('comes from a web page (it has Origin or Sec-Fetch-Site)')
    const held = roleOf?.(caller)
    if (held !== undefined && mayActAs(held.role, needed)) return allow(held)
    if (roleOf && !showsNothing(caller) && held === undefined) return wrongCredential
    if (isTrusted(address)) return ALLOWED
    return roleOf && held === undefined ? noCredential(needed) : writesClosed('comes from another machine')
  }
}

const refuse = (code: (Verdict & { allowed: false })['code'], detail: string): Verdict => ({
  allowed: false,
  code,
  detail,
})

const noCredential = (needed: Role): Verdict =>
  refuse(
    'no-credential',
    `Send a token with the role ${needed}: as Authorization: Bearer, as the password of Basic, or as X-Orrery-Token.`,
  )

const wrongCredential = refuse('wrong-credential', 'The credential is none of those that this controller knows.')

const roleTooLow = (held: Role, needed: Role): Verdict =>
  refuse('role-too-low', `The token has the role ${held}; this needs ${needed}.`)

const writesClosed = (why: string): Verdict =>
  refuse(
    'writes-closed',
    `No token file is set, and this request ${why}. Two remedies: set ORRERY_TOKEN_FILE and send one of its tokens, or name the caller's network in ORRERY_TRUSTED_CIDRS (for callers that are no web page).`,
  )
