import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isWhole, parseJsonObject } from '../../../src/foundation/stored-json.ts'

describe('a stored object', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = JSON.stringify(value)
        expect(JSON.stringify(parseJsonObject(text))).toBe(text)
      }),
    )
  })

  it.each([undefined, '', '{', 'null', '[]', '[{}]', '"text"', '1', 'true'])('is none when the text is %j', (text) => {
    expect(parseJsonObject(text)).toBeUndefined()
  })
})

it.each([
  [0, true],
  [2 ** 53 - 1, true],
  [2 ** 53, false],
  [-1, false],
  [1.5, false],
  ['1', false],
  [null, false],
])('%j is a count or a time: %s', (value, expected) => {
  expect(isWhole(value)).toBe(expected)
})
