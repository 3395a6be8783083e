import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchors, markdownFiles, prose, read, root } from './markdown.ts'

const files = markdownFiles()
const links = (path: string) =>
  [...prose(read(path)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))

const broken = (path: string): string[] =>
  links(path).filter((link) => {
    const [target = '', anchor] = link.split('#')
    const file = target === '' ? path : relative(root, join(root, dirname(path), target))
    if (!existsSync(join(root, file))) return true
    return anchor !== undefined && !anchors(read(file)).includes(anchor)
  })

describe('the links of the documentation', () => {
  it('are looked for in all of it', () => {
    expect(files).toEqual(expect.arrayContaining(['README.md', 'AGENTS.md', 'docs/operations.md']))
    expect(files.flatMap(links).length).toBeGreaterThan(60)
  })

  it.each(files.map((path) => ({ path })))('of $path lead to a file, and to a heading in it', ({ path }) => {
    expect(broken(path)).toEqual([])
  })

  it('reach every page from README.md', () => {
    const reached = new Set<string>()
    const follow = (path: string) => {
      if (reached.has(path)) return
      reached.add(path)
      for (const link of links(path)) {
        const [target = ''] = link.split('#')
        const file = relative(root, join(root, dirname(path), target))
        if (target.endsWith('.md') && existsSync(join(root, file))) follow(file)
      }
    }
    follow('README.md')
    expect(files.filter((path) => !reached.has(path))).toEqual([])
  })
})
