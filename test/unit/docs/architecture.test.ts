import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { read, root, tableBelow } from './markdown.ts'

const inQuotes = (cell = ''): string => /`([^`]+)`/.exec(cell)?.[1] ?? ''
const places = tableBelow(read('docs/architecture.md'), 'Where to look').map(([what = '', file, name]) => ({
  ...{ what, file: inQuotes(file), name: inQuotes(name) },
}))

describe('AGENTS.md', () => {
  const named = [...read('AGENTS.md').matchAll(/`((?:src|test|scripts|bench|docs|web)\/[\w./-]+)`/g)].map(
    ([, path = '']) => path,
  )

  it.each([...new Set(named)])('names %s, which is there', (path) => {
    expect(existsSync(join(root, path))).toBe(true)
  })
})

describe('what a reader looks for', () => {
  it('is ten things', () => {
    expect(places).toHaveLength(10)
  })

  it.each(places)('$what: $file exports $name', ({ file, name }) => {
    expect(existsSync(join(root, file)), `${file} is there`).toBe(true)
    expect(read(file)).toMatch(new RegExp(`^export (async )?(function|const) ${name}\\b`, 'm'))
  })
})
