import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { markdownFiles, read, root } from './markdown.ts'

const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))

/** `npm run x` and `npm test`, wherever they are written. */
const npmScripts = (text: string) =>
  [...text.matchAll(/\bnpm (?:run (?:--silent )?([a-z][a-z:]*)|(test))\b/g)].map(([, run, test]) => run ?? test ?? '')

/** Files that a command names: `-c docker-compose.yml`, `npx vitest … test/e2e/scaling.test.ts`. */
const named = (text: string) => [...text.matchAll(/(?:-c |vitest run [^\n#]*?)([\w./-]+\.(?:yml|ts))/g)]

describe('the commands of the documentation', () => {
  it.each(markdownFiles().map((path) => ({ path })))('of $path are scripts of package.json', ({ path }) => {
    expect(npmScripts(read(path)).filter((script) => scripts[script] === undefined)).toEqual([])
  })

  it.each(['README.md', 'AGENTS.md', 'docs/operations.md'])('of %s name files that exist', (path) => {
    const files = named(read(path)).map(([, file = '']) => file)
    expect(files.length).toBeGreaterThan(0)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  it.each(['README.md', 'docs/operations.md'])(
    'of %s that deploy are those of docker-compose.yml, which are tested',
    (path) => {
      const lines = read('docker-compose.yml').match(/^# {3}\S.*$/gm) ?? []
      // The fourth is for who has a network: docs/networks.md.
      expect(lines).toHaveLength(4)
      const three = lines.slice(0, 3).map((line) => line.slice(4))
      expect(read(path)).toContain(`\`\`\`sh\n${three.join('\n')}\n\`\`\``)
      expect(read('docs/networks.md')).toContain(`\n${lines.at(3)?.slice(4)}\n\`\`\``)
    },
  )

  it('that a newcomer needs are exactly two', () => {
    const [block = ''] = /```sh\n[\s\S]*?```/.exec(read('README.md').split('## Try it: two commands')[1] ?? '') ?? []
    expect(block.split('\n').slice(1, -1)).toEqual(['npm run demo', 'npm test'])
  })
})
