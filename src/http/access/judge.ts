/** Who may do what (docs/http-api.md, "Access"), as one function of one request. */

import { addressOf, blockAt, contains, parseAddress, parseCidr, type Span } from '../../foundation/address.ts'
import { type Credentials, credentialCheck, type Holder, type Shown, showsNothing } from './credentials.ts'
import type { GrafanaSigning } from './grafana-signature.ts'
import { isForeignPage, isPage, knownHosts, type PageHeaders } from './page.ts'
import { mayActAs, type Role, type Token } from './tokens.ts'

export interface AccessRules {
  /** Absent: no token file, so reads are open and writes are local. */
  readonly tokens?: readonly Token[]
  readonly orbiter?: NonNullable<Credentials['orbiter']>
  /** Well-formed CIDRs; only without a token file. */
  readonly trustedCidrs: readonly string[]
  /** Names of this machine, besides localhost and addresses; only without a token file. */
  readonly hosts?: readonly string[]
  /** No web page may change anything, our own included (`ORRERY_UI`). */
  readonly pagesOnlyRead?: boolean
  /** Present: Grafana's webhook takes what is signed so, and nothing else. */
  readonly grafana?: GrafanaSigning
}

/** The parts of a request that access depends on. */
export interface Caller extends Shown, PageHeaders {
  readonly method: string
  /** The socket's peer; never a header. */
  readonly address: string | undefined
}

export type RefusalCode =
  | 'no-credential'
  | 'wrong-credential'
  | 'role-too-low'
  | 'writes-closed'
  | 'foreign-origin'
  | 'foreign-host'

export type Verdict =
  /** `name`: whose credential it was; absent: nobody's, or one without a name. */
  | { readonly allowed: true; readonly name?: string }
  | { readonly allowed: false; readonly code: RefusalCode; readonly detail: string }

const ALLOWED: Verdict = { allowed: true }
const allow = ({ name }: Holder): Verdict => (name === undefined ? ALLOWED : { allowed: true, name })

export type Judge = (caller: Caller, needed: Role) => Verdict

export function createJudge(rules: AccessRules): Judge {
  const judge = rules.tokens === undefined ? openJudge(rules) : tokenJudge(rules, rules.tokens)
  return (caller, needed) => {
    if (isForgeable(caller, needed)) return foreignOrigin
    if (rules.pagesOnlyRead === true && needed !== 'read' && isPage(caller)) return pagesOnlyRead
    return judge(caller, needed)
  }
}

/** Open to everybody who can reach this, and to pages under a name of somebody else's only without tokens to ask for. */
export function createHostJudge({ tokens, hosts = [] }: AccessRules): (host: string | undefined) => Verdict {
  if (tokens !== undefined) return () => ALLOWED
  const isKnown = knownHosts(hosts)
  return (host) => (isKnown(host) ? ALLOWED : foreignHost)
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** A page can make a browser send Basic, but neither Bearer nor a header of ours. */
const isForgeable = (caller: Caller, needed: Role): boolean =>
  (needed !== 'read' || !SAFE_METHODS.has(caller.method)) && !carriesToken(caller) && isForeignPage(caller)

const carriesToken = ({ authorization, token }: Shown): boolean =>
  token !== undefined || /^bearer +\S/i.test(authorization ?? '')

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
    // What it carries is not asked for here, so that it proves nothing.
    if (isForeignPage(caller)) return writesClosed('comes from a web page of somebody else (Origin, Sec-Fetch-Site)')
    const held = roleOf?.(caller)
    if (held !== undefined && mayActAs(held.role, needed)) return allow(held)
    if (roleOf && !showsNothing(caller) && held === undefined) return wrongCredential
    if (isTrusted(caller.address)) return ALLOWED
    return roleOf && held === undefined ? noCredential(needed) : writesClosed('comes from another machine')
  }
}

const refuse = (code: RefusalCode, detail: string): Verdict => ({
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

const foreignOrigin = refuse(
  'foreign-origin',
  'A page of another origin sent this (Origin is not this Host, or Sec-Fetch-Site says so). Send the token as Authorization: Bearer or as X-Orrery-Token.',
)

const pagesOnlyRead = refuse(
  'writes-closed',
  'This controller lets no web page change anything (ORRERY_UI). Use the command line or curl, or set ORRERY_UI=on.',
)

const foreignHost = refuse(
  'foreign-host',
  'Without a token file, only addresses, localhost, the name of this machine and what ORRERY_HOSTS lists are answered as Host. Name it there, or set ORRERY_TOKEN_FILE.',
)

const roleTooLow = (held: Role, needed: Role): Verdict =>
  refuse('role-too-low', `The token has the role ${held}; this needs ${needed}.`)

const writesClosed = (why: string): Verdict =>
  refuse(
    'writes-closed',
    `No token file is set, and this request ${why}. Two remedies: set ORRERY_TOKEN_FILE and send one of its tokens, or name the caller's network in ORRERY_TRUSTED_CIDRS (for callers that are not web pages).`,
  )

const LOOPBACK: readonly Span[] = [blockAt(4, addressOf('127.0.0.0').first, 8), addressOf('::1')]

/** `cidrs` are well-formed. An IPv4-mapped IPv6 address (`::ffff:…`), and no other one, counts as the IPv4 that it is. */
export function trustedPeers(cidrs: readonly string[]): (address: string | undefined) => boolean {
  const networks = [...LOOPBACK, ...cidrs.flatMap((cidr) => parseCidr(unmappedCidr(cidr))?.block ?? [])]
  const isIn = (address: string) => {
    const peer = parseAddress(unmapped(withoutZone(address)))
    return peer !== undefined && networks.some((network) => contains(network, peer))
  }
  /** Most calls come from the one that called last, and reading an address takes as long as deciding. */
  let last = { address: '', isTrusted: isIn('') }
  return (address = '') => {
    if (address !== last.address) last = { address, isTrusted: isIn(address) }
    return last.isTrusted
  }
}

/** Node adds to a link-local address by which of our links it came. */
const withoutZone = (address: string): string => address.replace(/^(fe[89ab][0-9a-f]:.*)%.*$/i, '$1')

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const MAPPED_CIDR = /^::ffff:(\d+\.\d+\.\d+\.\d+)\/(\d+)$/i
const MAPPED_BITS = 96

const unmapped = (address: string): string => MAPPED.exec(address)?.[1] ?? address

function unmappedCidr(cidr: string): string {
  const [, address, bits] = MAPPED_CIDR.exec(cidr) ?? []
  return address === undefined || Number(bits) < MAPPED_BITS ? cidr : `${address}/${Number(bits) - MAPPED_BITS}`
}
