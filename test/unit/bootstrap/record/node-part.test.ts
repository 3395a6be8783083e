import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { familyLayout } from '../../../../src/bootstrap/definition/family-layout.ts'
import { allocationLayout } from '../../../../src/bootstrap/record/node-part.ts'
import { addressOf, blockAt, blockOf, contains, formatBlock, size } from '../../../../src/foundation/address.ts'
import { definition, family6 } from '../../../support/builders/networks.ts'

const subnet = '10.90.0.0/24'
const gateway = '10.90.0.1'
const both = { edges: 'reserve', shim: true } as const

/** What test/e2e/networks/range-layout.test.ts sees real engines do. */
describe('the addresses of a range', () => {
  it.each([
    {
      name: 'in the middle: edges and shim',
      range: '10.90.0.8/29',
      wishes: both,
      aux: { 'orrery-first': '10.90.0.8', 'orrery-last': '10.90.0.15', 'orrery-shim': '10.90.0.9' },
      shim: '10.90.0.9',
      usable: 5,
    },
    {
      name: 'in the middle, edges in use',
      range: '10.90.0.8/29',
      wishes: { edges: 'use', shim: true },
      aux: { 'orrery-shim': '10.90.0.8' },
      shim: '10.90.0.8',
      usable: 7,
    },
    {
      name: 'in the middle, nothing held back',
      range: '10.90.0.8/29',
      wishes: { edges: 'use', shim: false },
      aux: {},
      usable: 8,
    },
    {
      name: 'at the beginning: the engine keeps the first and the gateway',
      range: '10.90.0.0/29',
      wishes: both,
      aux: { 'orrery-last': '10.90.0.7', 'orrery-shim': '10.90.0.2' },
      shim: '10.90.0.2',
      usable: 4,
    },
    {
      name: 'at the end: the engine keeps the last',
      range: '10.90.0.248/29',
      wishes: both,
      aux: { 'orrery-first': '10.90.0.248', 'orrery-shim': '10.90.0.249' },
      shim: '10.90.0.249',
      usable: 5,
    },
    {
      name: 'of the smallest range that there can be',
      range: '10.90.0.8/30',
      wishes: both,
      aux: { 'orrery-first': '10.90.0.8', 'orrery-last': '10.90.0.11', 'orrery-shim': '10.90.0.9' },
      shim: '10.90.0.9',
      usable: 1,
    },
    {
      name: 'of a range too small for a shim',
      range: '10.90.0.8/31',
      wishes: both,
      aux: { 'orrery-first': '10.90.0.8', 'orrery-last': '10.90.0.9' },
      usable: 0,
    },
    { name: 'of a single one', range: '10.90.0.8/32', wishes: { edges: 'use', shim: false }, aux: {}, usable: 1 },
  ] as const)('$name', ({ range, wishes, aux, usable, ...rest }) => {
    const shim = 'shim' in rest ? { shim: rest.shim } : {}
    expect(familyLayout({ subnet, gateway }, range, wishes)).toEqual({ range, aux, ...shim, usable })
  })

  it('without a gateway lack the first one, which older engines make the gateway before they hold any back', () => {
    expect(familyLayout({ subnet }, '10.90.0.8/29', both)).toEqual({
      range: '10.90.0.8/29',
      aux: { 'orrery-last': '10.90.0.15', 'orrery-shim': '10.90.0.9' },
      shim: '10.90.0.9',
      usable: 5,
    })
    expect(familyLayout({ subnet }, '10.90.0.0/29', both)).toMatchObject({ shim: '10.90.0.2', usable: 4 })
  })

  it('of IPv6 have no broadcast address among them, and names of their own', () => {
    const six = { subnet: 'fd00:40::/120', gateway: 'fd00:40::1' }
    expect(familyLayout(six, 'fd00:40::f8/125', both)).toEqual({
      range: 'fd00:40::f8/125',
      aux: { 'orrery-first6': 'fd00:40::f8', 'orrery-last6': 'fd00:40::ff', 'orrery-shim6': 'fd00:40::f9' },
      shim: 'fd00:40::f9',
      usable: 5,
    })
    expect(familyLayout(six, 'fd00:40::/125', both)).toMatchObject({ shim: 'fd00:40::2', usable: 4 })
  })

  it('are counted no further than numbers go', () => {
    const six = { subnet: 'fd00:40::/64', gateway: 'fd00:40::1' }
    expect(familyLayout(six, 'fd00:40:0:0:1::/80', both).usable).toBe(2 ** 48 - 3)
    expect(familyLayout(six, 'fd00:40::/64', both).usable).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('of both families are as many as fit in the smaller one', () => {
    const allocation = { range: '172.80.1.0/24', range6: 'fd00:40:0:0:1::/125' }
    expect(allocationLayout(definition({ ipv6: family6() }), allocation)).toMatchObject({
      ipv4: { usable: 253 },
      ipv6: { usable: 5 },
      usable: 5,
    })
    expect(allocationLayout(definition(), allocation)).toMatchObject({ usable: 253 })
  })

  describe('of a network that was taken over', () => {
    const layout = (aux: Readonly<Record<string, string>>) =>
      allocationLayout(definition(), { range: '172.80.1.0/24', aux }).ipv4

    it('are held back as they were found, whatever the definition says', () => {
      expect(layout({})).toEqual({ range: '172.80.1.0/24', aux: {}, usable: 256 })
      expect(layout({ printer: '172.80.1.9', elsewhere: '172.80.7.1' })).toMatchObject({ usable: 255 })
    })

    it('include a shim only where its address was held back', () => {
      expect(layout({ host: '172.80.1.1' })).toMatchObject({ shim: '172.80.1.1', usable: 255 })
    })
  })

  it('that are held back lie in the range, differ, and are none that the engine keeps', () => {
    const some = fc.record({
      at: fc.integer({ min: 0, max: 65_535 }),
      length: fc.integer({ min: 16, max: 32 }),
      gatewayAt: fc.option(fc.integer({ min: 1, max: 65_534 }), { nil: undefined }),
      edges: fc.constantFrom('reserve' as const, 'use' as const),
      shim: fc.boolean(),
    })
    const base = blockOf('10.90.0.0/16')
    fc.assert(
      fc.property(some, ({ at, length, gatewayAt, ...wishes }) => {
        const range = blockAt(4, base.first + BigInt(at), length)
        const router = gatewayAt === undefined ? undefined : blockAt(4, base.first + BigInt(gatewayAt), 32)
        const where = { subnet: '10.90.0.0/16', ...(router ? { gateway: formatBlock(router).replace('/32', '') } : {}) }
        const { aux, shim, usable } = familyLayout(where, formatBlock(range), wishes)
        const held = Object.values(aux).map(addressOf)
        expect(new Set(Object.values(aux)).size).toBe(held.length)
        for (const one of held) {
          expect(contains(range, one)).toBe(true)
          expect([base.first, base.last, router?.first]).not.toContain(one.first)
        }
        if (shim !== undefined) expect(Object.values(aux)).toContain(shim)
        expect(usable).toBeGreaterThanOrEqual(0)
        expect(usable).toBeLessThanOrEqual(Number(size(range)) - held.length)
      }),
    )
  })
})
