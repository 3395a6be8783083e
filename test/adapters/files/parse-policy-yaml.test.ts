import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePolicyYaml } from '../../../src/adapters/files/parse-policy-yaml.ts'

const fieldsOf = (text: string) => {
  const yaml = parsePolicyYaml(text)
  return yaml.kind === 'parsed' ? yaml.value.fields : yaml.message
}

describe('the YAML of a policy', () => {
  it.each([
    { text: 'max: 010', fields: { max: '010' } },
    { text: 'max: 1e3', fields: { max: '1e3' } },
    { text: 'max: "8"', fields: { max: '8' } },
    { text: "step: '25%'", fields: { step: '25%' } },
    { text: 'dry-run: yes', fields: { 'dry-run': 'yes' } },
    { text: 'dry-run: True', fields: { 'dry-run': 'True' } },
    { text: 'cooldown: 1:30', fields: { cooldown: '1:30' } },
    { text: 'min: ~', fields: { min: '~' } },
    { text: 'min:', fields: { min: '' } },
    { text: 'max: !!int 8', fields: { max: '8' } },
    { text: 'step.up: 2\nstep: {down: 3}', fields: { 'step.up': '2', 'step.down': '3' } },
    { text: 'schedule: {night: {from: 0 22 * * *}}', fields: { 'schedule.night.from': '0 22 * * *' } },
    { text: '\ufeffmax: 8\r\nmin: 1\r\n', fields: { max: '8', min: '1' } },
    { text: '{}', fields: {} },
  ])('is taken as written: $text', ({ text, fields }) => {
    expect(fieldsOf(text)).toEqual(fields)
  })

  it('has fields of any name, those of object prototypes too', () => {
    const fields = fieldsOf('__proto__: 1\nconstructor: {a: 2}\ntoString: 3')
    expect(Object.entries(fields)).toEqual([
      ['__proto__', '1'],
      ['constructor.a', '2'],
      ['toString', '3'],
    ])
  })

  it.each([
    { name: 'a broken flow list', text: 'max: 1\nmin: 2\nfoo: [1,\nbar: 2', line: 4 },
    { name: 'a tab', text: 'max: 1\n\tmin: 2', line: 2 },
    { name: 'a duplicate key', text: 'max: 1\n\nmax: 2', line: 3 },
    { name: 'a duplicate key that is nested once', text: 'step: {up: 1}\nstep.up: 2', line: 2 },
    { name: 'a value and a mapping of one name', text: 'step: 1\nstep: {up: 2}', line: 2 },
    { name: 'a second document', text: 'max: 1\n---\nmax: 2', line: 2 },
    { name: 'a key that is a list', text: 'max: 1\n? [a]\n: 2', line: 2 },
    { name: 'a text', text: '\nmax', line: 2 },
  ])('with $name is refused in line $line', ({ text, line }) => {
    expect(fieldsOf(text)).toMatch(new RegExp(`^line ${line}: `))
  })

  it('multiplies nothing by aliases', () => {
    const letters = [...'abcdefghijklmnop']
    const bomb = letters.map(
      (letter, at) => `${letter}: &${letter} [${`*${letters[at - 1]},`.repeat(at === 0 ? 0 : 9)}x]`,
    )
    const yaml = parsePolicyYaml(bomb.join('\n'))
    expect(yaml).toMatchObject({ kind: 'parsed', value: { fields: {} } })
  })

  it.each([
    '[',
    '{a: ',
    '- ',
    '? ',
    'a: ',
    ': ',
    '[{? ',
    '- !a ',
    '- &a ',
    '&',
    '"',
    '%a\n',
    '---\n',
    'a: |\n',
    '\u0000\u001f',
  ])('that is 64 KiB of %j is refused and brings nothing down', (piece) => {
    const text = piece.repeat(Math.ceil(65_536 / piece.length))
    expect(parsePolicyYaml(text).kind).toBe('unparsable')
  })

  it('of any content is parsed or refused, never thrown at', () => {
    const pieces = fc.constantFrom(
      'a',
      'max',
      ': ',
      ':',
      '\n',
      '  ',
      '- ',
      '? ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '&x ',
      '*x',
      '!t ',
      '|',
      '>',
      '"',
      "'",
      '#',
      '---',
      '%',
      '\t',
      '1',
      '<<',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(pieces, { maxLength: 40 }).map((list) => list.join('')),
        ),
        (text) => {
          const yaml = parsePolicyYaml(text)
          const values = yaml.kind === 'parsed' ? Object.values(yaml.value.fields) : [yaml.message]
          expect(values.every((value) => typeof value === 'string')).toBe(true)
        },
      ),
      { numRuns: 3000 },
    )
  })
})
