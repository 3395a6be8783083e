import { describe, expect, it } from 'vitest'
import { type Caller, createHostJudge, createJudge, trustedPeers } from '../../../src/http/access/judge.ts'
import { parseTokenFile, type Role } from '../../../src/http/access/tokens.ts'

const caller = (change: Partial<Caller> = {}): Caller => ({
  method: 'POST',
  host: 'manager1:8000',
  address: '192.0.2.9',
  authorization: undefined,
  token: undefined,
  origin: undefined,
  fetchSite: undefined,
  ...change,
})
const basic = (user: string, pass: string) => `Basic ${Buffer.from(`${user}:${pass}`).toString('base64')}`
const verdict = (judged: ReturnType<ReturnType<typeof createJudge>>) => (judged.allowed ? 'allowed' : judged.code)

describe('a token file', () => {
  it('has a role and a token a line; comments and blank lines are skipped', () => {
    expect(parseTokenFile('# ours\n\nread r1\r\n  scale\ts1  \nadmin a1\nagent g1')).toEqual({
      problems: [],
      tokens: [
        { role: 'read', secret: 'r1' },
        { role: 'scale', secret: 's1' },
        { role: 'admin', secret: 'a1' },
        { role: 'agent', secret: 'g1' },
      ],
    })
  })

  it('is complained about by line number and never with what the line says', () => {
    const { problems } = parseTokenFile(
      'hunter2\nroot hunter2\nread hunter2 hunter3 hunter5\nscale hunter4\nread hunter4\n',
    )
    expect(problems).toHaveLength(4)
    expect(problems.map((text) => /^line (\d)/.exec(text)?.[1])).toEqual(['1', '2', '3', '5'])
    expect(problems.join()).not.toContain('hunter')
  })

  it('that is empty is a mistake, not an open door', () => {
    expect(parseTokenFile('# nothing\n').problems).toHaveLength(1)
  })
})

describe('with a token file', () => {
  const tokens = parseTokenFile('read r\nscale s\nadmin a\nagent g').tokens
  const judge = createJudge({ tokens, orbiter: { user: 'orb', pass: 'iter' }, trustedCidrs: ['192.0.2.0/24'] })

  const table: { held: string; needed: Role; is: string }[] = [
    { held: 'Bearer r', needed: 'read', is: 'allowed' },
    { held: 'Bearer r', needed: 'scale', is: 'role-too-low' },
    { held: 'Bearer s', needed: 'read', is: 'allowed' },
    { held: 'Bearer s', needed: 'scale', is: 'allowed' },
    { held: 'Bearer s', needed: 'admin', is: 'role-too-low' },
    { held: 'Bearer a', needed: 'scale', is: 'allowed' },
    { held: 'Bearer a', needed: 'agent', is: 'role-too-low' },
    { held: 'Bearer g', needed: 'agent', is: 'allowed' },
    { held: 'Bearer g', needed: 'read', is: 'role-too-low' },
    { held: 'bearer s', needed: 'scale', is: 'allowed' },
    { held: basic('anybody', 's'), needed: 'scale', is: 'allowed' },
    { held: basic('', 's'), needed: 'scale', is: 'allowed' },
    { held: basic('orb', 'iter'), needed: 'scale', is: 'allowed' },
    { held: basic('orb', 'iter'), needed: 'admin', is: 'role-too-low' },
    { held: basic('orb', 'x'), needed: 'scale', is: 'wrong-credential' },
    { held: basic('x', 'iter'), needed: 'scale', is: 'wrong-credential' },
    { held: 'Bearer orb:iter', needed: 'scale', is: 'wrong-credential' },
    { held: 'Bearer', needed: 'read', is: 'wrong-credential' },
    { held: 'Bearer r s', needed: 'read', is: 'wrong-credential' },
    { held: 'Digest r', needed: 'read', is: 'wrong-credential' },
    { held: 'Basic !!!', needed: 'read', is: 'wrong-credential' },
    { held: '', needed: 'read', is: 'wrong-credential' },
  ]
  it.each(table)('$held that needs $needed is $is', ({ held, needed, is }) => {
    expect(verdict(judge(caller({ authorization: held }), needed))).toBe(is)
  })

  const headers: { token: string; authorization?: string; is: string }[] = [
    { token: 's', is: 'allowed' },
    { token: ' s ', is: 'allowed' },
    { token: 'r', is: 'role-too-low' },
    { token: 'x', is: 'wrong-credential' },
    { token: '', is: 'wrong-credential' },
    { token: 'Bearer s', is: 'wrong-credential' },
    { token: 'orb:iter', is: 'wrong-credential' },
    { token: 's', authorization: "Basic that-is-a-proxy's", is: 'allowed' },
    { token: 'x', authorization: 'Bearer s', is: 'wrong-credential' },
  ]
  it.each(headers)('X-Orrery-Token $token beside Authorization $authorization is $is', ({ is, ...shown }) => {
    expect(verdict(judge(caller(shown), 'scale'))).toBe(is)
  })

  it('nobody is trusted for an address', () => {
    expect(verdict(judge(caller({ address: '127.0.0.1' }), 'read'))).toBe('no-credential')
    expect(verdict(judge(caller(), 'scale'))).toBe('no-credential')
  })

  it('a credential is enough, wherever the call comes from', () => {
    expect(verdict(judge(caller({ authorization: 'Bearer s', origin: 'https://dash.example' }), 'scale'))).toBe(
      'allowed',
    )
  })
})

const NEAR = { address: '127.0.0.1' }
const EVIL = { origin: 'https://evil.example' }

describe('without a token file', () => {
  const judge = createJudge({ trustedCidrs: ['10.0.0.0/8', 'fd00::/8', '::ffff:172.16.0.0/108', '192.0.2.7/32'] })
  const table: { name: string; caller: Partial<Caller>; is: string }[] = [
    { name: 'loopback', caller: { address: '127.0.0.1' }, is: 'allowed' },
    { name: 'all of loopback', caller: { address: '127.8.8.8' }, is: 'allowed' },
    { name: 'loopback in IPv6', caller: { address: '::1' }, is: 'allowed' },
    { name: 'loopback mapped into IPv6', caller: { address: '::ffff:127.0.0.1' }, is: 'allowed' },
    { name: 'a trusted network', caller: { address: '10.1.2.3' }, is: 'allowed' },
    { name: 'a trusted network mapped into IPv6', caller: { address: '::ffff:10.1.2.3' }, is: 'allowed' },
    { name: 'a trusted network written as mapped', caller: { address: '172.17.0.1' }, is: 'allowed' },
    { name: 'a trusted network in IPv6', caller: { address: 'fd12::1' }, is: 'allowed' },
    { name: 'a trusted address', caller: { address: '192.0.2.7' }, is: 'allowed' },
    { name: 'its neighbour', caller: { address: '192.0.2.8' }, is: 'writes-closed' },
    { name: 'a foreign address', caller: { address: '8.8.8.8' }, is: 'writes-closed' },
    { name: 'a foreign address in IPv6', caller: { address: '2001:db8::1' }, is: 'writes-closed' },
    { name: 'a link-local address with its zone', caller: { address: 'fe80::1%eth0' }, is: 'writes-closed' },
    { name: 'loopback written as IPv4-compatible IPv6', caller: { address: '::127.0.0.1' }, is: 'writes-closed' },
    { name: 'a trusted network as IPv4-compatible IPv6', caller: { address: '::10.1.2.3' }, is: 'writes-closed' },
    { name: 'a trusted network behind NAT64', caller: { address: '64:ff9b::10.1.2.3' }, is: 'writes-closed' },
    { name: 'a trusted network as 6to4', caller: { address: '2002:a01:203::1' }, is: 'writes-closed' },
    { name: 'loopback translated', caller: { address: '::ffff:0:127.0.0.1' }, is: 'writes-closed' },
    { name: 'the neighbour of loopback in IPv6', caller: { address: '::2' }, is: 'writes-closed' },
    { name: 'no address in IPv6', caller: { address: '::' }, is: 'writes-closed' },
    { name: 'no address', caller: { address: undefined }, is: 'writes-closed' },
    {
      name: 'a page of ours',
      caller: { ...NEAR, origin: 'http://manager1:8000', fetchSite: 'same-origin' },
      is: 'allowed',
    },
    { name: 'a page of ours, far away', caller: { origin: 'http://manager1:8000' }, is: 'writes-closed' },
    {
      name: 'a foreign page with Bearer',
      caller: { ...NEAR, ...EVIL, authorization: 'Bearer x' },
      is: 'writes-closed',
    },
    { name: 'an address bar', caller: { address: '127.0.0.1', fetchSite: 'none' }, is: 'allowed' },
    {
      name: 'a credential that nobody asked for',
      caller: { address: '127.0.0.1', authorization: 'Bearer x' },
      is: 'allowed',
    },
  ]
  it.each(table)('a write from $name is $is', ({ caller: change, is }) => {
    expect(verdict(judge(caller(change), 'scale'))).toBe(is)
  })

  it('reads are open to everybody', () => {
    expect(verdict(judge(caller({ method: 'GET', address: '8.8.8.8', origin: 'http://evil.example' }), 'read'))).toBe(
      'allowed',
    )
  })

  it('a refusal names both remedies', () => {
    const refused = judge(caller({ address: '8.8.8.8' }), 'scale')
    expect(refused).toMatchObject({ detail: expect.stringMatching(/ORRERY_TOKEN_FILE.*ORRERY_TRUSTED_CIDRS/) })
  })

  it("Orbiter's user may scale from anywhere, nobody else from far, and this machine still without", () => {
    const withUser = createJudge({ orbiter: { user: 'orb', pass: 'iter' }, trustedCidrs: [] })
    const far = { address: '8.8.8.8' }
    expect(verdict(withUser(caller({ ...far, authorization: basic('orb', 'iter') }), 'scale'))).toBe('allowed')
    expect(verdict(withUser(caller({ ...far, authorization: basic('orb', 'iter') }), 'admin'))).toBe('writes-closed')
    expect(verdict(withUser(caller({ ...far, authorization: basic('orb', 'x') }), 'scale'))).toBe('wrong-credential')
    expect(verdict(withUser(caller({ ...far, token: 'iter' }), 'scale'))).toBe('wrong-credential')
    expect(verdict(withUser(caller(far), 'scale'))).toBe('no-credential')
    expect(verdict(withUser(caller(far), 'read'))).toBe('allowed')
    expect(verdict(withUser(caller({ address: '127.0.0.1' }), 'scale'))).toBe('allowed')
    const page = { ...far, authorization: basic('orb', 'iter'), origin: 'http://evil.example' }
    expect(verdict(withUser(caller(page), 'scale'))).toBe('foreign-origin')
  })

  it('a link-local network is trusted on whichever link a call comes', () => {
    const isTrusted = trustedPeers(['fe80::/10'])
    expect(['fe80::1', 'fe80::1%eth0', 'fe81::5%7', 'fec0::1%eth0', '::1%eth0'].map(isTrusted)).toEqual([
      ...[true, true, true, false, false],
    ])
  })

  it('a name that is no address is nobody', () => {
    expect(trustedPeers(['0.0.0.0/0'])('localhost')).toBe(false)
  })
})

describe('a page in a browser', () => {
  const tokens = parseTokenFile('read r\nscale s').tokens
  const modes = [
    { mode: 'with tokens', judge: createJudge({ tokens, trustedCidrs: [] }), authorization: basic('any', 's') },
    { mode: 'without tokens', judge: createJudge({ trustedCidrs: [] }), authorization: undefined },
  ]
  const ours = 'http://manager1:8000'
  const pages: { name: string; sends: Partial<Caller>; is: string }[] = [
    { name: 'of another site', sends: EVIL, is: 'foreign-origin' },
    { name: 'of another port', sends: { origin: 'http://manager1:9000' }, is: 'foreign-origin' },
    { name: 'of a name that begins the same', sends: { origin: `${ours}.evil.example` }, is: 'foreign-origin' },
    { name: 'of a name that ends the same', sends: { origin: 'http://evil-manager1:8000' }, is: 'foreign-origin' },
    { name: 'with our name as its user', sends: { origin: 'http://manager1:8000@evil' }, is: 'foreign-origin' },
    { name: 'in a sandbox', sends: { origin: 'null' }, is: 'foreign-origin' },
    { name: 'with an empty origin', sends: { origin: '' }, is: 'foreign-origin' },
    { name: 'that hides its origin', sends: { fetchSite: 'cross-site' }, is: 'foreign-origin' },
    { name: 'of a neighbour', sends: { fetchSite: 'same-site' }, is: 'foreign-origin' },
    { name: 'of ours', sends: { origin: ours, fetchSite: 'same-origin' }, is: 'allowed' },
    { name: 'of ours behind TLS', sends: { origin: 'https://MANAGER1', host: 'manager1:443' }, is: 'allowed' },
    { name: 'that is none', sends: {}, is: 'allowed' },
  ]
  const cases = modes.flatMap((mode) => pages.map((page) => ({ ...mode, ...page })))
  it.each(cases)('$name, $mode, is $is', ({ judge, authorization, sends, is }) => {
    const asked = caller({ ...NEAR, authorization, ...sends })
    expect(verdict(judge(asked, 'scale'))).toBe(is)
    expect(verdict(judge({ ...asked, method: 'GET' }, 'scale'))).toBe(is)
    expect(verdict(judge({ ...asked, method: 'GET' }, 'read'))).toBe('allowed')
    expect(verdict(judge(asked, 'read'))).toBe(is)
  })

  it('of any origin may write with a token that no browser adds by itself', () => {
    const [withTokens] = modes
    for (const shown of [{ authorization: 'Bearer s' }, { token: 's' }, { token: 's', authorization: basic('a', 'b') }])
      expect(verdict(withTokens!.judge(caller({ ...EVIL, ...shown }), 'scale'))).toBe('allowed')
    expect(verdict(withTokens!.judge(caller({ ...EVIL, authorization: 'Bearer x' }), 'scale'))).toBe('wrong-credential')
    expect(verdict(withTokens!.judge(caller({ ...EVIL, authorization: 'Bearer ' }), 'scale'))).toBe('foreign-origin')
  })
})

describe('a Host', () => {
  const open = createHostJudge({ trustedCidrs: [], hosts: ['node7.example.com', 'node7'] })
  const table: { host: string | undefined; is: string }[] = [
    ...['127.0.0.1', '127.0.0.1:8000', '10.1.2.3', '[::1]', '[fe80::1]:8000', 'localhost', 'LOCALHOST:80'].map(
      (host) => ({
        host,
        is: 'allowed',
      }),
    ),
    ...['node7', 'Node7:8000', 'node7.example.com.', 'node7.example.com:443', undefined].map((host) => ({
      host,
      is: 'allowed',
    })),
    ...['evil.example', 'evil.example:8000', '127.0.0.1.evil.example', 'localhost.evil.example', 'evil.localhost'].map(
      (host) => ({ host, is: 'foreign-host' }),
    ),
    ...['', 'node7.evil', '[evil]', '[::1].evil', '1', '0x7f.1', '127.1', '::1', 'localhost:evil', 'a@localhost'].map(
      (host) => ({
        host,
        is: 'foreign-host',
      }),
    ),
  ]
  it.each(table)('$host is $is without tokens, and never asked for with them', ({ host, is }) => {
    expect(verdict(open(host))).toBe(is)
    expect(verdict(createHostJudge({ tokens: [], trustedCidrs: [] })(host))).toBe('allowed')
  })
})
