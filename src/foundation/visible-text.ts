/** Text of others (agents, callers, labels, engines), made fit for a screen: nothing in it moves, hides, turns or forges anything. Pure. */

/** Controls of C0 and C1 (ESC, CSI), bidi and other format characters, halves of pairs, separators of lines. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
/** Line breaks are ours. */
const UNSEEN_IN_LINES = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const asWritten = (character: string): string =>
  Array.from({ length: character.length }, (_, index) => {
    const code = character.charCodeAt(index).toString(16).padStart(4, '0')
    return `\\u${code}`
  }).join('')

/** A value for one line: each such character as `\u001b`. What went through it once is not changed again. */
export const visibleText = (text: string): string => text.replace(UNSEEN, asWritten)

/** The same for lines that were put together here. JSON stays the JSON it was. */
export const visibleLines = (text: string): string => text.replace(UNSEEN_IN_LINES, asWritten)
