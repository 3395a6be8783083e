/**
 * What every YAML file of ours is: one document, one mapping, whose keys and scalars count as they are written; read from a
 * text that may be anything, without the ways YAML has to bring a process down.
 */
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  Lexer,
  LineCounter,
  type Pair,
  Parser,
  type YAMLMap,
} from 'yaml'

/** The text has no meaning that could be relied on; the message says where and why. */
export class Unparsable extends Error {}

/** `line 3: ` for a node that has a place, else empty. */
export type PlaceOf = (node: unknown) => string

export type Parsed<Value> =
  | { readonly kind: 'parsed'; readonly value: Value }
  | { readonly kind: 'unparsable'; readonly message: string }

/** Never throws on any text. `example` is a line such a file may have; `read` may throw Unparsable. */
export function parseMapping<Value>(
  text: string,
  example: string,
  read: (map: YAMLMap, placeOf: PlaceOf) => Value,
): Parsed<Value> {
  try {
    const { contents, placeOf } = readDocument(text)
    // An editor that truncates before it writes leaves an empty file for a moment: that is no file without fields.
    if (contents === null || (isScalar(contents) && contents.value === null)) throw new Unparsable('the file is empty')
    if (!isMap(contents)) throw new Unparsable(`${placeOf(contents)}fields and their values are needed: \`${example}\``)
    return { kind: 'parsed', value: read(contents, placeOf) }
  } catch (error) {
    if (error instanceof Unparsable) return { kind: 'unparsable', message: error.message }
    throw error
  }
}

/** Throws Unparsable. */
export const keyOf = ({ key }: Pair, placeOf: PlaceOf): string => {
  if (isScalar(key) && key.source) return key.source
  throw new Unparsable(`${placeOf(key)}the name of a field must be plain text`)
}

/** Scalars keep the text that was written: `010`, `no` and `1e3` must not become something else on the way. */
export const textOf = (node: unknown): string | undefined => {
  if (node === null) return ''
  return isScalar(node) ? (node.source ?? '') : undefined
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
function readDocument(text: string): { readonly contents: Document.Parsed['contents']; readonly placeOf: PlaceOf } {
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
