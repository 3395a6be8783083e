import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  at,
  digitsAt,
  integerAt,
  labelsAt,
  parseLossless,
  writeLossless,
} from '../../../../src/adapters/swarm/engine/engine-json.ts'
import { createSplitter } from '../../../../src/adapters/swarm/engine/json-splitter.ts'

describe('engine JSON', () => {
  it('comes back as it was: integers above 2^53, floats, order and unknown fields', () => {
    const text =
      '{"Zeta":18446744073709551615,"Alpha":9007199254740993,"Ratio":0.15,"Long":2.370,"Tiny":1e-7,"New":{"b":[1,{"a":null}]}}'
    expect(writeLossless(parseLossless(text))).toBe(text)
  })

  it('keeps a label that is called __proto__', () => {
    const spec = parseLossless('{"Labels":{"__proto__":"polluted","constructor":"x"}}')
    const labels = labelsAt(spec, 'Labels')
    expect(Object.keys(labels)).toEqual(['__proto__', 'constructor'])
    expect(labels.toString).toBeUndefined()
    expect(writeLossless({ Labels: labels })).toBe('{"Labels":{"__proto__":"polluted","constructor":"x"}}')
  })

  it('does not find what is only inherited', () => {
    expect(at(parseLossless('{"a":{}}'), 'a', 'constructor')).toBeUndefined()
    expect(at(parseLossless('{"a":5}'), 'a', 'value')).toBeUndefined()
  })

  it('reads whole numbers exactly or not at all', () => {
    const numbers = parseLossless('{"max":9007199254740991,"over":9007199254740993,"half":0.5,"text":"1"}')
    expect(integerAt(numbers, 'max')).toBe(Number.MAX_SAFE_INTEGER)
    for (const name of ['over', 'half', 'text', 'absent']) expect(integerAt(numbers, name)).toBeUndefined()
    expect(digitsAt(numbers, 'over')).toBe('9007199254740993')
  })
})

describe('splitting a list into its objects', () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue({ depthSize: 'medium' }))

  /** In pieces of this many bytes, as a socket may bring them. */
  const split = (body: Buffer, pieceBytes = body.length): string[] => {
    const texts: string[] = []
    const splitter = createSplitter((item) => texts.push(item.toString()))
    for (let at = 0; at < body.length; at += pieceBytes) splitter.push(body.subarray(at, at + pieceBytes))
    splitter.end()
    return texts
  }

  it('gives each object back, whatever brackets and quotes are in its strings and wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(object),
        fc.constantFrom(undefined, 2),
        fc.integer({ min: 1, max: 40 }),
        (objects, space, pieceBytes) => {
          const texts = split(Buffer.from(JSON.stringify(objects, null, space)), pieceBytes)
          expect(texts.map((text) => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(objects)))
        },
      ),
    )
  })

  it('refuses a list that was cut short, wherever', () => {
    const whole = Buffer.from('[{"Name":"a]}\\"","x":[1]},{"Name":"ü"}]')
    for (let length = 0; length < whole.length; length += 1) {
      for (const pieceBytes of [1, 7, undefined]) {
        expect(() => split(whole.subarray(0, length), pieceBytes)).toThrow(SyntaxError)
      }
    }
    expect(split(whole)).toHaveLength(2)
  })

  it('takes null for no list, as Go writes it', () => {
    expect(split(Buffer.from('null\n'))).toEqual([])
    expect(split(Buffer.from('null\n'), 1)).toEqual([])
    expect(split(Buffer.from('[]\n'), 1)).toEqual([])
  })
})
