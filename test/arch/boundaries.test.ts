import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { folderViolations } from './folder-rules.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const require = createRequire(import.meta.url)
const pureIncludes: string[] = require(join(root, 'tsconfig.pure.json')).include

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
    violations: [...summary.violations, ...folderViolations(modules)],
  }
}

/** For every rule a file that breaks it; what exists already gets the lines on top. All are planted at once. */
const planted: { rule: string; file: string; content: string }[] = [
  { rule: 'no-cycles', file: 'src/autoscaling/planted-cycle-2.ts', content: `import './planted-cycle.ts'` },
  { rule: 'no-orphans', file: 'src/autoscaling/planted-orphan.ts', content: 'export const a = 1' },
  { rule: 'no-unresolved', file: 'src/autoscaling/planted-lost.ts', content: `import './not-there.ts'` },
  { rule: 'pure-imports-pure', file: 'src/autoscaling/planted-io.ts', content: `import 'node:fs'` },
  { rule: 'pure-imports-pure', file: 'src/new-capability/planted-io.ts', content: `import 'node:fs'` },
  {
    rule: 'pure-not-use-case',
    file: 'src/autoscaling/planted-pure.ts',
    content: `import './writer/service-writer.ts'`,
  },
  { rule: 'a-folder-is-a-rule', file: 'src/autoscaling/anything/planted.ts', content: `import '../ports.ts'` },
  { rule: 'a-folder-is-a-rule', file: 'src/new-capability/any/planted.ts', content: `import '../../swarm/sync.ts'` },
  { rule: 'use-cases-stay-inside', file: 'src/autoscaling/views/catalog.ts', content: `import 'node:fs'` },
  { rule: 'ports-are-types', file: 'src/autoscaling/ports.ts', content: `import './decision/decision.ts'` },
  {
    rule: 'foundation-alone',
    file: 'src/foundation/planted.ts',
    content: `import '../autoscaling/decision/decide.ts'`,
  },
  { rule: 'swarm-below-all', file: 'src/swarm/planted.ts', content: `import '../autoscaling/decision/decide.ts'` },
  { rule: 'capabilities-apart', file: 'src/agent/planted.ts', content: `import '../bootstrap/record/record.ts'` },
  {
    rule: 'capabilities-apart',
    file: 'src/bootstrap/planted.ts',
    content: `import '../autoscaling/decision/decide.ts'`,
  },
  {
    rule: 'adapters-apart',
    file: 'src/adapters/files/planted.ts',
    content: `import '../swarm/engine/engine-errors.ts'`,
  },
  {
    rule: 'adapters-not-use-cases',
    file: 'src/adapters/files/planted-2.ts',
    content: `import '../../autoscaling/writer/service-writer.ts'`,
  },
  {
    rule: 'http-calls-use-cases',
    file: 'src/http/planted.ts',
    content: `import type { Services } from '../swarm/ports.ts'\nexport type A = Services`,
  },
  { rule: 'config-alone', file: 'src/config/planted.ts', content: `import '../autoscaling/decision/decide.ts'` },
  { rule: 'only-main-commands', file: 'src/http/planted-2.ts', content: `import '../commands/serve/serve.ts'` },
  { rule: 'nobody-imports-main', file: 'src/commands/planted.ts', content: `import '../main.ts'` },
  { rule: 'src-stands-alone', file: 'src/http/planted-3.ts', content: `import '../../test/planted.ts'` },
  { rule: 'no-drawers', file: 'src/http/planted-4.ts', content: `import '../utils.ts'` },
  { rule: 'no-folder-cycles', file: 'src/agent/plan/planted.ts', content: `import '../host/keep-node.ts'` },
  { rule: 'no-folder-cycles', file: 'src/bootstrap/record/planted.ts', content: `import '../network.ts'` },
  { rule: 'small-folders', file: 'src/config/crowd', content: '' },
  { rule: 'home-of-dockermodem', file: 'src/http/planted-6.ts', content: `import 'docker-modem'` },
  { rule: 'home-of-dockerode', file: 'src/http/planted-5.ts', content: `import 'dockerode'` },
  { rule: 'home-of-grpc', file: 'src/adapters/swarm/services/planted.ts', content: `import '@grpc/grpc-js'` },
  { rule: 'home-of-fastify', file: 'src/adapters/files/planted-3.ts', content: `import 'fastify'` },
]

/** What planted files import, and no violation is told of. */
const scenery = [
  'src/utils.ts',
  'test/planted.ts',
  ...Array.from({ length: 21 }, (_, at) => `src/config/crowd/planted-${at}.ts`),
]

describe('the boundaries of the source tree', () => {
  let copy: string
  let found: readonly string[]

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'orrery-arch-'))
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    for (const path of ['package.json', 'tsconfig.json', '.dependency-cruiser.cjs', 'src']) {
      await cp(join(root, path), join(copy, path), { recursive: true })
    }
    for (const file of scenery) await plant(file, 'export {}')
    // Of a cycle one side is told.
    await plant('src/autoscaling/planted-cycle.ts', `import './planted-cycle-2.ts'`)
    for (const { file, content } of planted) if (content !== '') await plant(file, content)
    const { violations } = await cruise(copy)
    found = violations.map(({ rule, from }) => `${rule.name} in ${from}`)
  })
  afterAll(async () => await rm(copy, { recursive: true, force: true }))

  const plant = async (file: string, content: string) => {
    const path = join(copy, file)
    await mkdir(dirname(path), { recursive: true })
    const before = await readFile(path, 'utf8').catch(() => '')
    await writeFile(path, `${content}\n${before}`)
  }

  it('hold, over every module there is', async () => {
    const { modules, violations } = await cruise(root)
    expect(violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([])
    const files = (await readdir(join(root, 'src'), { recursive: true })).filter((file) => file.endsWith('.ts'))
    expect(modules).toBe(files.length)
  })

  it.each([...new Set(planted.map(({ rule }) => rule))])('bite when %s is broken', (rule) => {
    const places = planted.filter((each) => each.rule === rule).map(({ file }) => `${rule} in ${file}`)
    expect(places.filter((place) => !found.includes(place))).toEqual([])
  })
})

describe('the pure files', () => {
  const ambient = /\bDate\b|\bMath\.random\b|\bglobalThis\b|\bimport\(|\bperformance\b/

  it('see no clock and no chance', async () => {
    const folders = [...pureIncludes.map((path) => path.replace('/*.ts', '')), 'src/foundation']
    const files = await Promise.all(
      folders.map(async (folder) => (await readdir(join(root, folder))).map((file) => `${folder}/${file}`)),
    )
    const pure = files.flat().filter((file) => file.endsWith('.ts'))
    expect(pure.length).toBeGreaterThan(15)
    for (const file of pure) {
      const code = (await readFile(join(root, file), 'utf8')).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      expect(ambient.test(code), `${file} is pure`).toBe(false)
    }
  })

  it.each([
    { name: 'the process', content: 'export const a = process.env\n' },
    { name: 'a timer', content: 'export const a = setTimeout(() => {}, 1)\n' },
    { name: 'a pause', content: `export * from '${root}/src/foundation/wakeable-timer.ts'\n` },
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
