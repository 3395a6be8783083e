/** What is said of variables, tokens and credentials. */
import { createHmac } from 'node:crypto'
import { ConfigError, configWarnings, loadConfig } from '../../../src/config/load.ts'
import { createSignatureCheck } from '../../../src/http/access/grafana-signature.ts'
import { type AccessRules, type Caller, createHostJudge, createJudge } from '../../../src/http/access/judge.ts'
import { parseTokenFile, type Role, shortTokens } from '../../../src/http/access/tokens.ts'
import { NOW } from '../../support/builders/autoscaling.ts'
import { type RemedyCase, remediesOf } from './remedy.ts'

type Environment = Readonly<Record<string, string>>

const toldOfVariables = (env: Environment) => {
  try {
    return configWarnings(loadConfig(env), env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ variable, message }) => `${variable}: ${message}`)
    throw error
  }
}
/** Each group is a value that would be right. */
const variable = (name: string, bad: string, says: RegExp, count = 1): RemedyCase<Environment> => ({
  bad: { [name]: bad },
  says,
  mends: Array.from({ length: count }, (_, at) => (...right: readonly string[]) => ({ [name]: right[at] ?? 'none' })),
})

const variables = remediesOf<Environment>('variables', toldOfVariables, [
  variable('ORRERY_DRY_RUN', 'maybe', /write (true) or (false)/, 2),
  variable('ORRERY_CONSUL_NODE_GRACE', 'soon', /write a duration such as (\w+), (\w+) or (\w+), or a whole/, 3),
  variable('ORRERY_TICK', '0s', /write a duration of at least (\w+)/),
  variable('PROMETHEUS_URL', 'prometheus', /write a URL such as (\S+)/),
  variable('CONSUL_HTTP_ADDR', 'ftp://consul', /write a URL such as (\S+)/),
  variable('ORRERY_CONSUL_MODE', 'both', /write one of (\w+), (\w+)/, 2),
  variable('ORRERY_UI', 'maybe', /write one of (on), (read), (off)/, 3),
  variable('LOG_LEVEL', 'loud', /write one of (\w+), (\w+), /, 2),
  variable('DOCKER_HOST', 'docker', /write (unix:\S+) or (tcp:\S+)/, 2),
  variable('ORRERY_SWARM_SOCKET', 'swarm', /write the path of a socket such as (\S+), or (off)/, 2),
  variable('ORRERY_HOSTS', 'orrery:8000', /write names such as (\S+), without a port/),
  variable('ORRERY_GRAFANA_TIMESTAMP_HEADER', 'a b', /write the name of a header, such as (\S+)/),
  variable('SERVER_PREFIX', '/a b', /write a path such as (\S+), of letters/),
  variable('ORRERY_LISTEN', 'orrery', /has no port .*; write host:port, .* such as (\S+)/),
  variable('ORRERY_LISTEN', '[x]:8000', /is not an IPv6 address; write host:port, .* such as (\S+)/),
  variable('ORRERY_LISTEN', '::1:8000', /an IPv6 address goes in brackets: (\S+)/),
  variable('ORRERY_LISTEN', '300.1.1.1:8000', /neither an address nor a host name; write host:port, .* such as (\S+)/),
  {
    bad: { DOCKER_API_VERSION: 'new' },
    says: /write an engine API version such as (\S+), or better leave it out/,
    // What it prefers is the second; the first has its own warning.
    mends: [() => ({})],
  },
  { bad: { DOCKER_API_VERSION: '1.44' }, says: /strips newer fields .*; better leave it out/, mends: [() => ({})] },
  {
    bad: { ORRERY_TRUSTED_CIDRS: '10.0.0.0', ORRERY_TOKEN_FILE: '' },
    says: /may scale without a credential; set (ORRERY_TOKEN_FILE) to ask for one/,
    mends: [(name = '') => ({ [name]: '/run/secrets/tokens' })],
  },
  {
    bad: { ORRERY_TRUSTED_CIDRS: 'LAN', ORRERY_TOKEN_FILE: '/t' },
    says: /is not a network; write addresses with a prefix length, such as (\S+)/,
    // The same variable has no effect beside a token file, which is said only where it can be read.
    mends: [() => ({ ORRERY_TOKEN_FILE: '/t' })],
  },
  {
    bad: { ORRERY_TRUSTED_CIDRS: 'fe80::1%eth0', ORRERY_TOKEN_FILE: '/t' },
    says: /names a zone, which is not compared: leave it out/,
    // As above, of all three.
    mends: [() => ({ ORRERY_TOKEN_FILE: '/t' })],
  },
  {
    bad: { ORRERY_TRUSTED_CIDRS: '::ffff:a00:0/104', ORRERY_TOKEN_FILE: '/t' },
    says: /is IPv4 in IPv6 spelling; write it as IPv4, such as (\S+)/,
    mends: [() => ({ ORRERY_TOKEN_FILE: '/t' })],
  },
  {
    bad: { ORRERY_URL: 'http://me:100%@host' },
    says: /has a % that begins no %xx; write it as (%25)/,
    mends: [(right) => ({ ORRERY_URL: `http://me:100${right}@host` })],
  },
  {
    bad: { ORRERY_CONTROLLERS: 'https://me:100@host:8001' },
    says: /write the URLs without a credential; (ORRERY_AGENT_TOKEN_FILE) names the file of the token/,
    mends: [(name = '') => ({ ORRERY_CONTROLLERS: 'https://host:8001', [name]: '/t' })],
  },
  {
    bad: { ORRERY_TRUSTED_CIDRS: '10.0.0.0/8', ORRERY_TOKEN_FILE: '/t' },
    says: /(ORRERY_TRUSTED_CIDRS) has no effect, because (ORRERY_TOKEN_FILE) is set/,
    mends: [() => ({ ORRERY_TOKEN_FILE: '/t' })],
  },
  {
    bad: { ORRERY_TLS_CERT_FILE: '/c' },
    says: /(ORRERY_TLS_KEY_FILE): is needed too, because ORRERY_TLS_CERT_FILE is set/,
    mends: [(name = '') => ({ ORRERY_TLS_CERT_FILE: '/c', [name]: '/k' })],
  },
  {
    bad: { ORRERY_LISTENN: ':8000' },
    says: /has no effect; did you mean (\w+)\?/,
    mends: [(name = '') => ({ [name]: ':8000' })],
  },
  {
    bad: { ORRERY_XYZZY: '1' },
    says: /has no effect; docs\/configuration.md lists those there are/,
    mends: [() => ({})],
  },
])

const LONG = 'x'.repeat(32)
const toldOfTokens = (text: string) => {
  const { problems } = parseTokenFile(text)
  return problems.length > 0 ? problems : shortTokens(text)
}
const tokenFiles = remediesOf<string>('a token file', toldOfTokens, [
  {
    bad: 'scale',
    says: /write a role, a token and, if you like, a name in one word/,
    mends: [() => `scale ${LONG}`, () => `scale ${LONG} me`],
  },
  {
    bad: `writer ${LONG}`,
    says: /does not begin with a role; write one of (\w+), (\w+), (\w+), (\w+)/,
    mends: [0, 1, 2, 3].map(
      (at) =>
        (...roles: readonly string[]) =>
          `${roles[at]} ${LONG}`,
    ),
  },
  {
    bad: `read ${LONG}\nscale ${LONG}`,
    says: /repeats the token of line 1; give every token one role/,
    mends: [() => `scale ${LONG}`],
  },
  {
    bad: '# none\n',
    says: /it holds no token; write a line such as: (scale) <token>/,
    mends: [(role) => `${role} ${LONG}`],
  },
  // As openssl prints them: 24 bytes in hex.
  {
    bad: 'scale secret',
    says: /fewer than 16 characters: openssl rand -hex (\d+)/,
    mends: [(bytes) => `scale ${'ab'.repeat(Number(bytes))}`],
  },
])

interface Call {
  readonly rules: AccessRules
  readonly caller: Caller
  readonly needed: Role
}
const toldOfCall = ({ rules, caller, needed }: Call) => {
  const verdicts = [createHostJudge(rules)(caller.host), createJudge(rules)(caller, needed)]
  return verdicts.flatMap((verdict) => (verdict.allowed ? [] : [verdict.detail]))
}
const OPEN: AccessRules = { trustedCidrs: [] }
const CLOSED: AccessRules = {
  trustedCidrs: [],
  tokens: [
    { role: 'scale', secret: LONG },
    { role: 'read', secret: `r${LONG}` },
  ],
}
const FAR: Caller = {
  method: 'POST',
  address: '10.9.9.9',
  host: '10.0.0.1:8000',
  origin: undefined,
  fetchSite: undefined,
  authorization: undefined,
  token: undefined,
}
const bearer = { authorization: `Bearer ${LONG}` }
const basic = { authorization: `Basic ${Buffer.from(`any:${LONG}`).toString('base64')}` }
const call = (rules: AccessRules, over: Partial<Caller> = {}): Call => ({
  rules,
  caller: { ...FAR, ...over },
  needed: 'scale',
})
const page = { origin: 'http://evil.example' }

const access = remediesOf<Call>('a call', toldOfCall, [
  {
    bad: call(CLOSED),
    says: /Send a token with the role scale: as Authorization: Bearer, as the password of Basic, or as X-Orrery-Token/,
    mends: [() => call(CLOSED, bearer), () => call(CLOSED, basic), () => call(CLOSED, { token: LONG })],
  },
  {
    bad: call(CLOSED, { authorization: `Bearer r${LONG}` }),
    says: /The token has the role read; this needs scale/,
    mends: [() => call(CLOSED, bearer)],
  },
  {
    bad: call(CLOSED, { ...page, ...basic }),
    says: /A page of another origin .* Send the token as Authorization: Bearer or as X-Orrery-Token/,
    mends: [() => call(CLOSED, { ...page, ...bearer }), () => call(CLOSED, { ...page, token: LONG })],
  },
  {
    bad: call({ ...CLOSED, pagesOnlyRead: true }, { origin: 'http://10.0.0.1:8000', ...bearer }),
    says: /lets no web page change anything .* Use the command line or curl, or set ORRERY_UI=on/,
    mends: [
      () => call({ ...CLOSED, pagesOnlyRead: true }, bearer),
      () =>
        call(
          { ...CLOSED, pagesOnlyRead: loadConfig({ ORRERY_UI: 'on' }).ui !== 'on' },
          { origin: 'http://10.0.0.1:8000', ...bearer },
        ),
    ],
  },
  {
    bad: { ...call(OPEN, { host: 'orrery.lan' }), needed: 'read' },
    says: /Without a token file, only addresses.* Name it there, or set ORRERY_TOKEN_FILE/,
    mends: [
      () => ({
        ...call({ ...OPEN, hosts: loadConfig({ ORRERY_HOSTS: 'orrery.lan' }).hosts }, { host: 'orrery.lan' }),
        needed: 'read',
      }),
      () => ({ ...call(CLOSED, { host: 'orrery.lan', ...bearer }), needed: 'read' }),
    ],
  },
  {
    bad: call(OPEN),
    says: /Two remedies: set ORRERY_TOKEN_FILE and send one of its tokens, or name the caller's network in (ORRERY_TRUSTED_CIDRS)/,
    mends: [
      () => call(CLOSED, bearer),
      (name = '') => call({ trustedCidrs: loadConfig({ [name]: '10.9.0.0/16' }).trustedCidrs }),
    ],
  },
])

interface Signed {
  readonly secret: string
  readonly headers: { readonly signature?: string; readonly timestamp?: string }
}
const SECRET = 'the secret of Grafana'
const atSecond = (second: number) => `${second}`
const toldOfSignature = ({ secret, headers }: Signed) => {
  const check = createSignatureCheck({ secret, timestampHeader: 'X-Time' })
  const early = check.refuseHeaders({ signature: headers.signature, timestamp: headers.timestamp }, NOW)
  if (early !== undefined) return [early.detail]
  const body = check.begin({ signature: headers.signature, timestamp: headers.timestamp })
  body.add(Buffer.from('{}'))
  const late = body.refuse()
  return late === undefined ? [] : [late.detail]
}
const signed = (timestamp = atSecond(NOW / 1000)): Signed => ({
  secret: SECRET,
  headers: { timestamp, signature: createHmac('sha256', SECRET).update(`${timestamp}:{}`).digest('hex') },
})
const signatures = remediesOf<Signed>("Grafana's signature", toldOfSignature, [
  {
    bad: { secret: SECRET, headers: {} },
    says: /set the HMAC secret of the contact point, which sends X-Grafana/,
    mends: [() => signed()],
  },
  {
    bad: { secret: SECRET, headers: { signature: 'a'.repeat(64) } },
    says: /The header X-Time with the time of the signature is missing: name it in the contact point/,
    mends: [() => signed()],
  },
  { bad: signed('now'), says: /must hold a time in whole unix seconds/, mends: [() => signed()] },
  // The clocks compared, and set.
  {
    bad: signed(atSecond(NOW / 1000 - 1000)),
    says: /is (\d+) s away .* (\d+) s are allowed. Compare the clocks/,
    mends: [(_, allowed) => signed(atSecond(NOW / 1000 - Number(allowed)))],
  },
  {
    bad: { ...signed(), secret: 'another' },
    says: /not that of this body with the secret of ORRERY_GRAFANA_SECRET_FILE/,
    mends: [() => signed()],
  },
])

export const settingRemedies = [...variables, ...tokenFiles, ...access, ...signatures]
