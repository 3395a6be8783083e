import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const require = createRequire(import.meta.url)
const useCases: string[] = require(join(root, 'tsconfig.pure.json')).exclude

interface Violation {
  from: string
  to: string
  rule: { name: string }
}

async function cruise(folder: string): Promise<{ modules: number; violations: Violation[] }> {
  const command = join(root, 'node_modules/.bin/depcruise')
  const { stdout } = await run(command, ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'], {
    cwd: folder,
    maxBuffer: 64 * 1024 * 1024,
  }).catch((failure: { stdout: string }) => failure)
  const { summary, modules } = JSON.parse(stdout)
  return {
    modules: modules.filter((module: { source: string }) => module.source.startsWith('src/')).length,
    violations: summary.violations,
  }
}

/** A violation for every rule: a file that breaks it, and nothing else that matters. */
const planted: { rule: string; file: string; content: string }[] = [
  {
    rule: 'no-cycles',
    file: 'src/autoscaling/planted.ts',
    content: `import { decide } from './decide.ts'\nimport './planted-2.ts'\nexport const a = decide\n`,
  },
  { rule: 'no-orphans', file: 'src/autoscaling/planted.ts', content: `export const a = 1\n` },
  {
    rule: 'no-unresolved',
    file: 'src/autoscaling/planted.ts',
    content: `import { x } from './not-there.ts'\nexport const a = x\n`,
  },
  {
    rule: 'pure-imports-pure',
    file: 'src/autoscaling/planted.ts',
    content: `import { readFileSync } from 'node:fs'\nexport const a = readFileSync\n`,
  },
  {
    rule: 'pure-not-use-case',
    file: 'src/autoscaling/planted.ts',
    content: `import { createLane } from './lane.ts'\nexport const a = createLane\n`,
  },
  {
    rule: 'use-cases-stay-inside',
    file: 'src/autoscaling/catalog.ts',
    content: `import { readFileSync } from 'node:fs'\nexport const a = readFileSync\n`,
  },
  {
    rule: 'ports-are-types',
    file: 'src/autoscaling/ports.ts',
    content: `import { Fault } from './errors.ts'\nexport const a = Fault\n`,
  },
  {
    rule: 'capabilities-apart',
    file: 'src/bootstrap/planted.ts',
    content: `import { decide } from '../autoscaling/decide.ts'\nexport const a = decide\n`,
  },
  { rule: 'adapters-apart', file: 'src/adapters/files/planted.ts', content: `import '../swarm/engine-errors.ts'\n` },
  {
    rule: 'adapters-not-use-cases',
    file: 'src/adapters/files/planted.ts',
    content: `import { createLane } from '../../autoscaling/lane.ts'\nexport const a = createLane\n`,
  },
  {
    rule: 'http-calls-use-cases',
    file: 'src/http/planted.ts',
    content: `import type { Services } from '../autoscaling/ports.ts'\nexport type A = Services\n`,
  },
  {
    rule: 'config-alone',
    file: 'src/config/planted.ts',
    content: `import { decide } from '../autoscaling/decide.ts'\nexport const a = decide\n`,
  },
  { rule: 'only-main-commands', file: 'src/http/planted.ts', content: `import '../commands/serve.ts'\n` },
  { rule: 'nobody-imports-main', file: 'src/commands/planted.ts', content: `import '../main.ts'\n` },
  { rule: 'src-stands-alone', file: 'src/http/planted.ts', content: `import '../../test/planted.ts'\n` },
  { rule: 'no-drawers', file: 'src/http/planted.ts', content: `import '../utils.ts'\n` },
  {
    rule: 'home-of-dockerode',
    file: 'src/http/planted.ts',
    content: `import Docker from 'dockerode'\nexport const a = Docker\n`,
  },
  {
    rule: 'home-of-fastify',
    file: 'src/adapters/files/planted.ts',
    content: `import fastify from 'fastify'\nexport const a = fastify\n`,
  },
]

const support: Record<string, string> = {
  'src/autoscaling/planted-2.ts': `import './planted.ts'\n`,
  'src/utils.ts': 'export {}\n',
  'test/planted.ts': 'export {}\n',
}

describe('the boundaries of the source tree', () => {
  let copy: string

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'orrery-arch-'))
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    for (const file of ['package.json', 'tsconfig.json', '.dependency-cruiser.cjs'])
      await cp(join(root, file), join(copy, file))
  })
  afterAll(async () => await rm(copy, { recursive: true, force: true }))

  it('hold, over every module there is', async () => {
    const { modules, violations } = await cruise(root)
    expect(violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([])
    const files = (await readdir(join(root, 'src'), { recursive: true })).filter((file) => file.endsWith('.ts'))
    expect(modules).toBe(files.length)
  })

  it.each(planted)('bite when $rule is broken', async ({ rule, file, content }) => {
    await rm(join(copy, 'src'), { recursive: true, force: true })
    await cp(join(root, 'src'), join(copy, 'src'), { recursive: true })
    for (const [path, text] of [...Object.entries(support), [file, content] as const]) {
      await mkdir(dirname(join(copy, path)), { recursive: true })
      await writeFile(join(copy, path), text)
    }
    const { violations } = await cruise(copy)
    expect(violations.map((violation) => `${violation.rule.name} in ${violation.from}`)).toContain(`${rule} in ${file}`)
  })
})

describe('the pure files', () => {
  const ambient = /\bDate\b|\bMath\.random\b|\bglobalThis\b|\bimport\(|\bperformance\b/

  it('see no clock and no chance', async () => {
    const folder = join(root, 'src/autoscaling')
    const pure = (await readdir(folder)).filter((file) => !useCases.includes(`src/autoscaling/${file}`))
    expect(pure.length).toBeGreaterThan(15)
    for (const file of pure) {
      const code = (await readFile(join(folder, file), 'utf8')).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      expect(ambient.test(code), `${file} is pure`).toBe(false)
    }
  })

  it.each([
    { name: 'the process', content: 'export const a = process.env\n' },
    { name: 'a timer', content: 'export const a = setTimeout(() => {}, 1)\n' },
    { name: 'a buffer', content: 'export const a = Buffer.from("x")\n' },
  ])('do not compile when they reach for $name', async ({ content }) => {
    const config = await mkdtemp(join(tmpdir(), 'orrery-pure-'))
    try {
      await writeFile(join(config, 'planted.ts'), content)
      await writeFile(
        join(config, 'tsconfig.json'),
        JSON.stringify({ extends: join(root, 'tsconfig.pure.json'), include: ['planted.ts'], exclude: [] }),
      )
      const tsc = run(join(root, 'node_modules/.bin/tsc'), ['--noEmit', '-p', join(config, 'tsconfig.json')])
      await expect(tsc).rejects.toMatchObject({ stdout: expect.stringContaining('error TS') })
    } finally {
      await rm(config, { recursive: true, force: true })
    }
  })
})
