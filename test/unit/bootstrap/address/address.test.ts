import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexSpans, intersectSpans, mergeSpans, subtractSpans } from '../../../../src/bootstrap/address/spans.ts'
import {
  addressBits,
  addressSpace,
  blockAt,
  blockCount,
  blockOf,
  blocksIn,
  contains,
  type Family,
  formatAddress,
  formatBlock,
  formatSpan,
  nthBlock,
  overlaps,
  parseAddress,
  parseBlock,
  parseCidr,
  parseSpan,
  type Span,
  size,
  spanOf,
} from '../../../../src/foundation/address.ts'

const family = fc.constantFrom<Family>(4, 6)
const address = (of: Family) => fc.bigInt({ min: 0n, max: (1n << BigInt(addressBits(of))) - 1n })
const block = family.chain((of) =>
  fc.tuple(address(of), fc.nat(addressBits(of))).map(([at, length]) => blockAt(of, at, length)),
)
const span = family.chain((of) =>
  fc.tuple(address(of), address(of)).map(
    ([one, other]): Span => ({
      family: of,
      first: one < other ? one : other,
      last: one < other ? other : one,
    }),
  ),
)

describe('addresses and blocks', () => {
  it.each([
    { text: '172.80.1.7/24', block: '172.80.1.0/24', hasHostBits: true },
    { text: '172.80.1.0/24', block: '172.80.1.0/24', hasHostBits: false },
    { text: '0.0.0.0/0', block: '0.0.0.0/0', hasHostBits: false },
    { text: '255.255.255.255/32', block: '255.255.255.255/32', hasHostBits: false },
    { text: 'FD00:0040:0::1/64', block: 'fd00:40::/64', hasHostBits: true },
    { text: 'fd00:40:0:0:1::/80', block: 'fd00:40:0:0:1::/80', hasHostBits: false },
    { text: '::/0', block: '::/0', hasHostBits: false },
  ])('$text is in $block', ({ text, block: expected, hasHostBits }) => {
    const cidr = parseCidr(text)
    expect(cidr && formatBlock(cidr.block)).toBe(expected)
    expect(cidr?.hasHostBits).toBe(hasHostBits)
    expect(parseBlock(text) !== undefined).toBe(!hasHostBits)
  })

  it.each([
    '',
    '172.80.1',
    '172.80.1.256',
    '172.080.1.1',
    '1.2.3.4/33',
    'fd00::1%eth0',
    '::ffff:10.0.0.1',
    ' 10.0.0.1',
    '10.0.0.1 ',
    '0x0a.0.0.1',
    'fd00::/129',
    '1.2.3.4/',
    'a'.repeat(99),
  ])('%s is neither an address nor a block', (text) => {
    expect(parseSpan(text)).toBeUndefined()
  })

  it('come back from their text as they were', () => {
    fc.assert(
      fc.property(block, (one) => {
        // Below are the IPv4-mapped addresses, which are refused.
        fc.pre(one.family === 4 || one.last >> 48n > 0n)
        expect(parseBlock(formatBlock(one))).toEqual(one)
        expect(parseAddress(formatAddress(one.family, one.last))?.first).toBe(one.last)
        expect(formatBlock(blockOf(formatBlock(one)))).toBe(formatBlock(one))
      }),
    )
  })

  it('never throw, whatever the text', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789abcdef.:/%[]x') }))
    fc.assert(
      fc.property(text, (one) => {
        expect([undefined, 4, 6]).toContain(parseSpan(one)?.family)
        expect([undefined, 4, 6]).toContain(parseCidr(one)?.block.family)
      }),
    )
  })

  it('are refused where they were taken for validated', () => {
    expect(() => blockOf('172.80.1.1/24')).toThrow(RangeError)
    expect(() => spanOf({ first: '172.80.1.1', last: 'x' })).toThrow(RangeError)
  })

  it('are written as people write them', () => {
    expect(formatSpan(spanOf({ first: '10.0.0.1', last: '10.0.0.9' }))).toBe('10.0.0.1-10.0.0.9')
    expect(formatSpan(spanOf({ first: 'fd00::1', last: 'fd00::1' }))).toBe('fd00::1')
  })

  it.each([
    { text: '10.0.0.0/8', is: 'private' },
    { text: '192.168.4.0/24', is: 'private' },
    { text: '172.31.255.0/24', is: 'private' },
    { text: '100.64.0.0/10', is: 'private' },
    { text: 'fd00:40::/64', is: 'private' },
    { text: '172.80.0.0/16', is: 'public' },
    { text: '2a00::/64', is: 'public' },
    { text: '224.0.0.0/24', is: 'unusable' },
    { text: '127.0.0.0/8', is: 'unusable' },
    { text: '0.0.0.0/8', is: 'unusable' },
    { text: '240.0.0.0/8', is: 'unusable' },
    { text: 'ff02::/64', is: 'unusable' },
    { text: '::/64', is: 'unusable' },
  ])('$text is $is', ({ text, is }) => {
    expect(addressSpace(blockOf(text))).toBe(is)
  })
})

describe('the blocks in a span', () => {
  it('are aligned, lie in it, follow each other and are as many as was counted', () => {
    const small = fc.tuple(span, fc.integer({ min: 0, max: 128 })).filter(([one, length]) => {
      return length <= addressBits(one.family) && blockCount(one, length) <= 64n
    })
    fc.assert(
      fc.property(small, ([one, length]) => {
        const blocks = [...blocksIn(one, length)]
        expect(BigInt(blocks.length)).toBe(blockCount(one, length))
        blocks.forEach((found, at) => {
          expect(found).toEqual(blockAt(one.family, found.first, length))
          expect(contains(one, found)).toBe(true)
          expect(nthBlock(one, length, BigInt(at))).toEqual(found)
          expect(at === 0 || blocks[at - 1]?.last === found.first - 1n).toBe(true)
        })
      }),
    )
  })

  it('begin where the span is aligned', () => {
    const from = spanOf({ first: '172.80.1.1', last: '172.80.3.255' })
    expect([...blocksIn(from, 24)].map(formatBlock)).toEqual(['172.80.2.0/24', '172.80.3.0/24'])
    expect(blockCount(from, 22)).toBe(0n)
  })
})

/** Sets of small numbers say what spans mean. */
const tiny = fc.array(
  fc.tuple(fc.nat(63), fc.nat(12)).map(
    ([first, more]): Span => ({
      family: 4,
      first: BigInt(first),
      last: BigInt(first + more),
    }),
  ),
  { maxLength: 8 },
)
const numbers = (spans: readonly Span[]) => {
  const found = new Set<number>()
  for (const { first, last } of spans) for (let at = Number(first); at <= Number(last); at += 1) found.add(at)
  return found
}
const sorted = (set: Iterable<number>) => [...set].toSorted((a, b) => a - b)

describe('sets of spans', () => {
  it('merge, subtract and intersect as sets of addresses do', () => {
    fc.assert(
      fc.property(tiny, tiny, (one, other) => {
        const [a, b] = [numbers(one), numbers(other)]
        expect(sorted(numbers(mergeSpans(one)))).toEqual(sorted(a))
        expect(sorted(numbers(subtractSpans(one, other)))).toEqual(sorted([...a].filter((at) => !b.has(at))))
        expect(sorted(numbers(intersectSpans(one, other)))).toEqual(sorted([...a].filter((at) => b.has(at))))
      }),
    )
  })

  it('are merged into as few spans as there can be', () => {
    fc.assert(
      fc.property(tiny, (one) => {
        const merged = mergeSpans(one)
        merged.forEach((found, at) => {
          const next = merged[at + 1]
          expect(next === undefined || next.first > found.last + 1n).toBe(true)
        })
        expect(merged.reduce((sum, found) => sum + size(found), 0n)).toBe(BigInt(numbers(one).size))
      }),
    )
  })

  it('find what overlaps as looking at each would', () => {
    fc.assert(
      fc.property(tiny, tiny, (items, wanted) => {
        const index = indexSpans(items.map((one, at) => ({ span: one, at })))
        for (const one of wanted) {
          const expected = items.flatMap((item, at) => (overlaps(item, one) ? [at] : []))
          expect(sorted(index.overlapping(one).map(({ at }) => at))).toEqual(expected)
        }
      }),
    )
  })
})

it('an IPv6 address that is written with an IPv4 part stays one of IPv6', () => {
  for (const text of ['::127.0.0.1', '::10.1.2.3', '64:ff9b::10.1.2.3', '::ffff:0:10.1.2.3'])
    expect(parseAddress(text)?.family, text).toBe(6)
  expect(parseCidr('::10.1.2.0/120')?.block.family).toBe(6)
})
