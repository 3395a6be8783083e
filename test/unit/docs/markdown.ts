/** The repository's Markdown, for the tests that keep it true. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../../..')

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const OTHERS = ['node_modules', 'dist', 'coverage']

/** Paths from the root; nothing in a folder that is hidden, built or installed. */
export const markdownFiles = (folder = ''): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isFile()) return entry.name.endsWith('.md') ? [path] : []
    return entry.isDirectory() && !entry.name.startsWith('.') && !OTHERS.includes(entry.name) ? markdownFiles(path) : []
  })

export const withoutBlocks = (markdown: string): string => markdown.replace(/^ *```[\s\S]*?^ *```/gm, '')

/** Without blocks and spans of code. */
export const prose = (markdown: string): string => withoutBlocks(markdown).replace(/`[^`\n]*`/g, '``')

/** Blocks of code, those inside lists too, without their indentation; the language is empty where none is named. */
export const blocksOf = (markdown: string): { readonly language: string; readonly text: string }[] =>
  [...markdown.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```/gm)].map(([, indent = '', language = '', text = '']) => ({
    ...{ language, text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), '') },
  }))

/** What GitHub makes of the headings: the names that links may end in. */
export const anchors = (markdown: string): string[] => {
  const headings = [...withoutBlocks(markdown).matchAll(/^#{1,6} (.*)$/gm)]
  return headings.map(([, heading = '']) =>
    heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** The cells of the table below a heading, row by row; its own two first rows are left out. */
export const tableBelow = (markdown: string, heading: string): string[][] => {
  const section = markdown.split(/^#{2,3} /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** What the first cells of that table name in back quotes; each cell may name several. */
export const namedInTable = (markdown: string, heading: string): string[] =>
  tableBelow(markdown, heading).flatMap(([cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
