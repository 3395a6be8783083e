/** What the pages give an operator to type or to write into a file, copied from where it stands. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blocksOf } from '../../unit/docs/markdown.ts'
import { repository } from './product-image.ts'

/** The section below a heading of any depth, up to the next one of that depth or above. */
function section(page: string, heading: string): string {
  const text = readFileSync(join(repository, page), 'utf8')
  const [start] = new RegExp(`^#+ ${heading.replaceAll(/[?.]/g, '\\$&')}$`, 'm').exec(text) ?? []
  if (start === undefined) throw new Error(`${page} has no heading "${heading}"`)
  const depth = start.indexOf(' ')
  const rest = text.slice(text.indexOf(`${start}\n`) + start.length)
  return rest.split(new RegExp(`^#{1,${depth}} `, 'm'))[0] ?? ''
}

/** The blocks of one language below a heading, in their order. */
export const blocksBelow = (page: string, heading: string, language: string): string[] =>
  [...section(page, heading).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, of, block = '']) =>
    of === language ? [block] : [],
  )

/** Throws when it is not there: a test must not run nothing. */
export function blockBelow(page: string, heading: string, language: string, at = 0): string {
  const block = blocksBelow(page, heading, language)[at]
  if (block === undefined) throw new Error(`${page}, ${heading}: no block ${at} of ${language}`)
  return block
}

/** The lines of a shell block, those that end in a backslash joined. */
export const linesBelow = (page: string, heading: string, at = 0): string[] =>
  blockBelow(page, heading, 'sh', at).replaceAll('\\\n', '').split('\n').filter(Boolean)

/** What stands behind `$` in the blocks without a language. */
export const typedBelow = (page: string, heading: string): string[] =>
  blocksBelow(page, heading, '').flatMap((block) => [...block.matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => line))

export type PageStep =
  /** A line of a block of shell commands. */
  | { readonly kind: 'command'; readonly line: string }
  /** One of a block that shows answers too; empty: none is shown. */
  | { readonly kind: 'shown'; readonly line: string; readonly answer: string }

/** Everything below a heading that is to be typed, in its order. */
export function stepsBelow(page: string, heading: string): PageStep[] {
  const blocks = blocksOf(section(page, heading)).filter(({ language }) => ['', 'sh'].includes(language))
  return blocks.flatMap(({ language, text }): PageStep[] => {
    const joined = text.replaceAll(/\\\n\s*/g, '')
    if (language === 'sh') return joined.split('\n').flatMap((line) => (line === '' ? [] : [{ kind: 'command', line }]))
    return [...joined.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gm)].map(([, line = '', answer = '']) => ({
      ...{ kind: 'shown', line, answer: answer.trim() },
    }))
  })
}
