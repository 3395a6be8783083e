/** Plain English for engineers: words that grew in this house and that a reader of the field does not know stay out of texts. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { markdownFiles, prose, read, root } from './markdown.ts'

/** Each with what it is called instead. Wire fields, labels, codes and log events are contracts: they are no texts. */
const DIALECT: readonly (readonly [RegExp, string])[] = [
  [/\bheard\b/i, 'reporting, followed, known'],
  [/\bas wanted\b/i, 'matches the definition'],
  [/\bin force\b/i, 'active'],
  [/\banew\b/i, 'again, recreated'],
  [/\bmend(s|ed|ing)?\b/i, 'fix'],
  [/\bcan not\b/i, 'cannot'],
  [/\btells? of\b/i, 'notifies about, names'],
  [/\bunasked\b/i, 'without a call'],
  [/\bowed\b/i, 'to restore'],
  [/(?<!\bthere )\bis no (?!longer\b|more\b)/i, 'is not a'],
  [/\bto and fro\b/i, 'flaps'],
  [/\bin step\b/i, 'synchronized, up to date'],
  [/\bcalled off\b/i, 'cancelled'],
  [/\bwish(es)?\b/i, 'request'],
  [/\bnobody caught\b/i, 'uncaught'],
  [/\b(is|are|be) told\b/i, 'is reported, gets, is asked'],
  [/\bgo by\b/i, 'value'],
  [/\bhands off\b/i, 'left alone'],
  [/\bspeaks? of\b/i, 'is about, names'],
  [/\bmade again\b/i, 'recreated'],
  [/\bat (its|his|their) word\b/i, 'believed'],
  [/\bmean no good\b/i, 'are malicious'],
]
const dialectIn = (text: string) =>
  text
    .split('\n')
    .flatMap((line) => DIALECT.filter(([word]) => word.test(line)).map(([, plain]) => `${plain}: ${line}`))

/** What Orbiter and docker-scaler answer, to the letter: their callers may look for it. */
const OTHERS_WORDS = ['I can not scale ', ' is a global service (can not be scaled)']

/** Texts of the program: literals with a blank in them, whatever they are for. */
function textsOf(path: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node) => {
    const isText = ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateHead(node)
    if (isText || ts.isTemplateMiddle(node) || ts.isTemplateTail(node) || ts.isJsxText(node)) {
      const text = (node as ts.LiteralLikeNode).text
      if (/\S \S/.test(text.trim())) found.push(text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest))
  return found
}

// Architecture and decisions are for whoever changes the code, and use its words.
const PAGES = markdownFiles().filter((path) => !/^(AGENTS|test\/|docs\/(architecture|decisions\/))/.test(path))
const SOURCES = ['src', 'web', 'test/demo'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(folder, file)),
)

describe('plain English', () => {
  it.each(PAGES.map((path) => ({ path })))('$path has no word of the house’s dialect', ({ path }) => {
    // Where a link leads is a name of a file.
    expect(dialectIn(prose(read(path)).replaceAll(/\]\([^)]*\)/g, ']()'))).toEqual([])
  })

  it('messages, help texts and descriptions have none either', () => {
    const texts = SOURCES.flatMap((path) => textsOf(path).map((text) => ({ path, text })))
    expect(texts.length).toBeGreaterThan(500)
    const ours = texts.filter(({ text }) => !OTHERS_WORDS.some((words) => text.startsWith(words)))
    expect(texts.length - ours.length).toBe(3)
    expect(ours.flatMap(({ path, text }) => dialectIn(text).map((line) => `${path}: ${line}`))).toEqual([])
  })

  it('the words are noticed', () => {
    expect(dialectIn('The agent was not heard.\nIt is active.')).toEqual([
      'reporting, followed, known: The agent was not heard.',
    ])
  })
})
