/** One YAML document from a text that may be anything, without the ways YAML has to bring a process down. */
import { Composer, type CST, type Document, isAlias, isNode, Lexer, LineCounter, Parser } from 'yaml'

/** The text has no meaning that could be relied on; the message says where and why. */
export class Unparsable extends Error {}

export interface YamlDocument {
  readonly contents: Document.Parsed['contents']
  /** `line 3: ` for a node that has a place, else empty. */
  readonly placeOf: (node: unknown) => string
}

/**
 * Nothing a file of ours can say nests deeper than a few levels. Composing recurses, and a stack that is nearly full when the
 * library compiles a regular expression ends the whole process, not just the call.
 */
const MAX_NESTING = 50

function* tokensOf(text: string, lines: LineCounter): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine)
  lines.addNewLine(0)
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme)
    if (parser.stack.length > MAX_NESTING) throw new Unparsable(`line ${lines.lineStarts.length}: nested too deeply`)
  }
  yield* parser.end()
}

/** Throws Unparsable. Aliases stay unexpanded nodes, so that they cannot multiply. */
export const readYamlDocument = (text: string): YamlDocument => {
  const lines = new LineCounter()
  const place = (offset: number) => `line ${Math.max(1, lines.linePos(offset).line)}: `
  // Unique keys are the reader's business: the library compares each key with every other.
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, logLevel: 'silent' })
  const [document, second] = [...composer.compose(tokensOf(text, lines), true, text.length)]
  if (document === undefined) throw new Unparsable('the file is empty')
  if (second !== undefined)
    throw new Unparsable(`${place(second.range[0])}a second document begins; a file is one document`)
  const [fault] = document.errors
  if (fault !== undefined) throw new Unparsable(`${place(fault.pos[0])}${fault.message}`)
  return {
    contents: document.contents,
    placeOf: (node) => {
      const offset = isNode(node) || isAlias(node) ? node.range?.[0] : undefined
      return offset === undefined || offset === null ? '' : place(offset)
    },
  }
}
