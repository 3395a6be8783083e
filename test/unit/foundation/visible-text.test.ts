import fc from 'fast-check'
import { expect, it } from 'vitest'
import { visibleLines, visibleText } from '../../../src/foundation/visible-text.ts'

it.each([
  { name: 'an escape sequence', text: '\u001b[2J', shown: '\\u001b[2J' },
  { name: 'a sequence that begins with one C1 control', text: '\u009b2J', shown: '\\u009b2J' },
  { name: 'a bell and a backspace', text: 'a\u0007\b', shown: 'a\\u0007\\u0008' },
  { name: 'a line break', text: 'a\r\nb', shown: 'a\\u000d\\u000ab' },
  { name: 'the separators of lines and paragraphs', text: 'a\u2028b\u2029', shown: 'a\\u2028b\\u2029' },
  { name: 'text that is turned round', text: 'a\u202egnp.exe\u2066', shown: 'a\\u202egnp.exe\\u2066' },
  { name: 'what has no width', text: 'a\u200bb\ufeff', shown: 'a\\u200bb\\ufeff' },
  { name: 'a tag beyond the first plane', text: '\u{e0041}', shown: '\\udb40\\udc41' },
  { name: 'half a pair', text: 'a\ud83d', shown: 'a\\ud83d' },
  { name: 'letters of any language, and pictures', text: 'Größe 数 ü 🙂 │', shown: 'Größe 数 ü 🙂 │' },
])('shows $name', ({ text, shown }) => expect(visibleText(text)).toBe(shown))

it('changes nothing the second time, and leaves JSON what it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const once = visibleText(text)
      expect(visibleText(once)).toBe(once)
      expect(visibleLines(once)).toBe(once)
      expect(JSON.parse(visibleLines(JSON.stringify([text])))).toEqual([text])
    }),
  )
})
