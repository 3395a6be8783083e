/** Every text of the source that advises something, found by its words: a new message with a remedy is among them by itself. */
import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'

export interface Advice {
  /** `bootstrap/plan/plan.ts`. */
  readonly file: string
  /** With `…` for what is filled in. */
  readonly text: string
}

const VERBS =
  'run|set|write|give|correct|use|remove|pin|rename|make|name|add|put|take|choose|mount|start|join|move|delete|scale|send|wait|install|look|point|promote|compare|repeat|ask|shorten|expose|keep|modprobe|docker|orrery|ip link|chmod|openssl|reserve|define|release|constrain|read'
/** At the beginning of a clause. */
const ORDER = new RegExp(`(^|[:;,.(…"] ?|\\b(or|and|else|first|better) )\`?(${VERBS}|leave it out)\\b`, 'i')
const RIGHT =
  /would be right|(is|are) needed|did you mean|\bmust\b|has to|\bneeds\b|known are|lists (the|those|what)|docs\//i
/** Not for whoever meets a fault: descriptions of routes, variables, commands and metrics. */
const DESCRIBED = new Set(['description', 'summary', 'help', 'about', 'text'])
const DESCRIBING = new Set([
  'description',
  'option',
  'argument',
  'addHelpText',
  'command',
  'withDefault',
  'optional',
  'table',
])
const NO_MESSAGES = /^(http\/wire|adapters\/metrics|config\/(?!load|values))/
const FEWEST_WORDS = 3

function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  if (!ts.isTemplateExpression(node)) return undefined
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('')
}

const isDescription = (node: ts.Node): boolean =>
  (ts.isPropertyAssignment(node) && DESCRIBED.has(node.name.getText()) && !ts.isTemplateExpression(node.initializer)) ||
  ts.isImportDeclaration(node) ||
  (ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    DESCRIBING.has(node.expression.name.text))

/** Of the files below `root`, which ends with a slash. */
export function advices(root: string): readonly Advice[] {
  const found: Advice[] = []
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted()) {
    if (!file.endsWith('.ts') || NO_MESSAGES.test(file)) continue
    const source = ts.createSourceFile(file, readFileSync(root + file, 'utf8'), ts.ScriptTarget.Latest, true)
    const walk = (node: ts.Node) => {
      if (isDescription(node)) return
      const text = textOf(node)?.trim()
      // Pages of help and scripts have lines.
      const isLong = text !== undefined && !text.includes('\n') && text.split(/\s+/).length >= FEWEST_WORDS
      if (isLong && (ORDER.test(text) || RIGHT.test(text))) found.push({ file, text })
      ts.forEachChild(node, walk)
    }
    walk(source)
  }
  return found
}

/** Whether this was said, whatever was filled in. */
export const isSaidIn = ({ text }: Advice, told: string): boolean =>
  new RegExp(
    text
      .split('…')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('[\\s\\S]*'),
  ).test(told)
