import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeObservation } from '../../../../src/agent/plan/host.ts'
import type { WantedFamily } from '../../../../src/swarm/wanted.ts'
import { wantedNetwork } from '../../../support/builders/networks.ts'
import { address, link, observation } from '../modelled-host.ts'
import { doings, kept, plan, six } from './plan-fixture.ts'

/** A host that goes out by a router on the LAN itself, with a network of its own beside it. */
const host = (over: Partial<NodeObservation> = {}) =>
  observation({
    links: [
      ...observation().links,
      link('lan2', { addresses: [address('172.80.7.9/32'), address('fd00:40:0:1::9/128')] }),
    ],
    routes: [
      { destination: '0.0.0.0/0', link: 'eth0', gateways: ['10.0.0.1'] },
      { destination: '10.0.0.0/24', link: 'eth0', source: '10.0.0.5', protocol: 'kernel' },
      { destination: '172.80.0.0/16', link: 'eth1', source: '172.80.0.11', protocol: 'kernel' },
      { destination: '192.168.9.0/24', link: 'eth1', gateways: ['172.80.3.1', '172.80.4.1'] },
    ],
    ...over,
  })

const ipv4 = (over: Partial<WantedFamily>): WantedFamily => {
  const { shim: _, ...plain } = wantedNetwork().ipv4
  return { ...plain, aux: {}, ...over }
}

describe('what is not done whoever wants it', () => {
  const refused: readonly { name: string; ipv4?: WantedFamily; ipv6?: WantedFamily; says: string }[] = [
    {
      name: 'half of all addresses',
      ipv4: ipv4({ subnet: '0.0.0.0/0', range: '128.0.0.0/1', gateway: '128.0.0.1' }),
      says: 'too large',
    },
    { name: 'the other half as a LAN', ipv4: ipv4({ subnet: '0.0.0.0/1', range: '0.0.0.0/2' }), says: 'too large' },
    { name: 'a range outside its subnet', ipv4: ipv4({ range: '10.0.0.0/24' }), says: 'not inside the subnet' },
    { name: 'a range larger than its subnet', ipv4: ipv4({ range: '172.80.0.0/15' }), says: 'not inside the subnet' },
    {
      name: 'loopback',
      ipv4: ipv4({ subnet: '127.0.0.0/8', range: '127.1.0.0/24', gateway: '127.0.0.1' }),
      says: 'no host may have',
    },
    {
      name: 'multicast',
      ipv4: ipv4({ subnet: '224.0.0.0/8', range: '224.1.0.0/24', gateway: '224.0.0.1' }),
      says: 'no host may have',
    },
    ...['0.0.0.0/8', '240.0.0.0/8', '255.255.255.0/24'].map((subnet) => ({
      ...{ name: subnet, ipv4: ipv4({ subnet, range: subnet, gateway: subnet.replace('/', '1/') }) },
      says: 'no host may have',
    })),
    ...['ff02::/16', '::/64', '::1/128', '64:ff9b::/96'].map((subnet) => ({
      ...{ name: subnet, ipv6: { ...six, subnet, range: subnet } },
      says: 'no host may have',
    })),
    {
      name: 'where clouds keep credentials',
      ipv4: ipv4({ subnet: '169.254.0.0/16', range: '169.254.169.0/24', gateway: '169.254.0.1' }),
      says: 'link-local',
    },
    {
      name: 'a LAN with that in it',
      ipv4: ipv4({ subnet: '169.0.0.0/8', range: '169.254.169.0/24', gateway: '169.0.0.1' }),
      says: 'link-local',
    },
    { name: 'the same of IPv6', ipv6: { ...six, subnet: 'fe80::/64', range: 'fe80::/80' }, says: 'link-local' },
    {
      name: 'IPv4 in IPv6 spelling',
      ipv6: { ...six, subnet: '::ffff:10.0.0.0/104' },
      says: 'not a block of addresses',
    },
    { name: 'half of all addresses of IPv6', ipv6: { ...six, subnet: '::/1', range: '::/2' }, says: 'too large' },
    { name: 'the other half', ipv6: { ...six, subnet: '8000::/1', range: '8000::/1' }, says: 'too large' },
    { name: 'a gateway elsewhere', ipv4: ipv4({ gateway: '10.0.0.1' }), says: 'the gateway 10.0.0.1' },
    { name: 'no addresses at all', ipv4: ipv4({ range: 'everything' }), says: '"everything"' },
    { name: 'host bits', ipv4: ipv4({ range: '172.80.1.7/24' }), says: '"172.80.1.7/24"' },
    { name: 'a shim outside the range', ipv4: ipv4({ shim: '172.80.2.1' }), says: 'not inside the range' },
    { name: 'a shim that is no address', ipv4: ipv4({ shim: '172.80.1.0/24' }), says: 'not inside the range' },
    {
      name: 'a shim that is the gateway',
      ipv4: ipv4({ range: '172.80.0.0/24', shim: '172.80.0.1' }),
      says: "the gateway's address",
    },
    {
      name: 'a shim that is a router of this host',
      ipv4: ipv4({ range: '172.80.4.0/24', shim: '172.80.4.1' }),
      says: 'goes out',
    },
    {
      name: 'a shim that is an address of this host',
      ipv4: ipv4({ range: '172.80.7.0/24', shim: '172.80.7.9' }),
      says: 'an address of lan2',
    },
    { name: 'the same address of IPv6', ipv6: { ...six, shim: 'fd00:40:0:1::9' }, says: 'an address of lan2' },
    { name: 'an IPv6 range elsewhere', ipv6: { ...six, range: '2001:db8::/64' }, says: 'not inside the subnet' },
    { name: 'families mixed up', ipv6: { ...six, range: '172.80.1.0/24' }, says: 'not inside the subnet' },
  ]

  it.each(refused)('$name', ({ ipv4: four = wantedNetwork().ipv4, ipv6, says }) => {
    const wanted = wantedNetwork({ ipv4: four, ...(ipv6 && { ipv6 }) })
    const planned = plan(wanted, host())
    expect(planned.steps).toEqual([])
    expect(planned.faults).toEqual([{ code: 'wanted-refused', message: expect.stringContaining(says) }])
  })

  it('what a sound definition says is done', () => {
    const { steps, faults } = plan(wantedNetwork({ ipv6: six }), host())
    expect(faults.map(({ code }) => code)).not.toContain('wanted-refused')
    expect(steps.length).toBeGreaterThan(0)
  })

  it('an address of the host inside its range is told, with what mends it; what is kept back there is not', () => {
    const { faults } = plan(wantedNetwork({ ipv6: six }), host())
    expect(faults).toMatchObject([{ code: 'address-in-range' }])
    for (const word of ['fd00:40:0:1::9', 'lan2', 'fd00:40:0:1::/64', 'orrery network apply --allow-drain']) {
      expect(faults[0]?.message).toContain(word)
    }
    const keptBack = { ...six, aux: { ...six.aux, host: 'fd00:40:0:1::9' } }
    expect(plan(wantedNetwork({ ipv6: keptBack }), host()).faults).toEqual([])
  })
})

describe('a route by the shim', () => {
  const covering: readonly { name: string; range: string; says: string }[] = [
    { name: 'a router of this host', range: '172.80.3.0/24', says: 'the router 172.80.3.1' },
    { name: 'the second router of a route', range: '172.80.4.0/24', says: 'the router 172.80.4.1' },
    { name: 'what this host routes elsewhere', range: '172.80.128.0/17', says: 'the route to 172.80.200.0/24' },
  ]

  it.each(covering)('does not cover $name', ({ range, says }) => {
    const before = host()
    const routes = [...before.routes, { destination: '172.80.200.0/24', link: 'eth0' }]
    const shim = range.replace('.0/24', '.254').replace('.0/17', '.254')
    const wanted = wantedNetwork({ ipv4: ipv4({ range, shim, aux: { s: shim } }) })
    const end = kept([wanted], { ...before, routes })
    expect(end.routes).toEqual(routes)
    expect(plan(wanted, end).faults).toEqual([{ code: 'route-taken', message: expect.stringContaining(says) }])
  })

  it('of two halves of everything is never made, whatever the host has', () => {
    const bits = fc.integer({ min: 0, max: 7 })
    const wild = fc.tuple(bits, fc.integer({ min: 0, max: 0xffffffff })).map(([length, start]) => {
      const first = length === 0 ? 0 : ((start >>> (32 - length)) << (32 - length)) >>> 0
      return `${first >>> 24}.${(first >>> 16) & 255}.0.0/${length}`
    })
    fc.assert(
      fc.property(wild, fc.boolean(), (range, hasWhole) => {
        const wanted = wantedNetwork({
          ipv4: { subnet: hasWhole ? '0.0.0.0/0' : range, range, aux: {}, shim: '9.9.9.9' },
        })
        expect(doings(plan(wanted, observation()))).toEqual([])
      }),
    )
  })
})
