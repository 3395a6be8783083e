import { mkdir, mkdtemp, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type WatchedPolicyFiles, watchPolicyFiles } from '../../../src/adapters/files/policy-files.ts'

const POLL_MS = 25
/** Ten times what is promised: a busy machine is no fault. */
const PATIENCE_MS = 20_000

let root: string
let dir: string
let files: WatchedPolicyFiles | undefined
const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'policy-files-'))
  dir = join(root, 'autoscalers')
  await mkdir(dir)
  vi.clearAllMocks()
})

afterEach(async () => {
  await files?.close()
  files = undefined
  await rm(root, { recursive: true })
})

/** In one go, so that no half-written file is ever there to be seen. */
const put = async (name: string, text: string | Uint8Array) => {
  await writeFile(join(root, 'put'), text)
  await rename(join(root, 'put'), join(dir, name))
}

const watch = async (over: { dir?: string; required?: boolean; pollMs?: number } = {}) => {
  files = await watchPolicyFiles({ dir, required: false, logger: log, pollMs: POLL_MS, ...over })
  return files
}

/** What a policy says is its `max` in these stories. */
const maxOf = (name: string) => files?.list().find((file) => file.name === name)?.fields.max
const issuesOf = (name: string) => files?.list().find((file) => file.name === name)?.issues

const soon = (check: () => void) => vi.waitFor(check, { timeout: PATIENCE_MS, interval: 5 })
const severalPolls = () => new Promise((resolve) => setTimeout(resolve, POLL_MS * 8))

describe('policy files', () => {
  it('are all read before the watching is handed over', async () => {
    await put('web.yaml', 'max: 8\nstep: {up: 2, down: 25%}\ncooldown:\n  up: 010\ndry-run: no\n')
    await put('api.yaml', 'service: shop_api\nmax: "3"\n')
    const { list, problems } = await watch()
    expect(list()).toEqual([
      { name: 'api', service: 'shop_api', fields: { max: '3' }, issues: [] },
      {
        name: 'web',
        service: 'web',
        fields: { max: '8', 'step.up': '2', 'step.down': '25%', 'cooldown.up': '010', 'dry-run': 'no' },
        issues: [],
      },
    ])
    expect(problems()).toEqual([])
  })

  it('leave examples, hidden files and other kinds alone, and ask about .yml', async () => {
    await put('web.example.yaml', 'max: 1')
    await put('.web.yaml', 'max: 1')
    await put('README.md', '# policies')
    await put('web.yml', 'max: 1')
    const { list, problems } = await watch()
    expect(list()).toEqual([])
    expect(problems()).toMatchObject([{ file: 'web.yml', issue: { severity: 'warning' } }])
  })

  it('changed in place are in force within 2 s at the pace of the product, and listeners are told', async () => {
    await put('web.yaml', 'max: 8')
    files = await watchPolicyFiles({ dir, required: true, logger: log })
    const told = vi.fn()
    files.onChange(told)
    const sinceMs = performance.now()
    await writeFile(join(dir, 'web.yaml'), 'max: 9')
    await soon(() => expect(maxOf('web')).toBe('9'))
    console.log(
      `a changed policy file is in force after ${Math.round(performance.now() - sinceMs)} ms (promised: 2000)`,
    )
    expect(told).toHaveBeenCalled()
  })

  it('added and removed are noticed', async () => {
    await watch()
    await put('web.yaml', 'max: 8')
    await soon(() => expect(maxOf('web')).toBe('8'))
    await rm(join(dir, 'web.yaml'))
    await soon(() => expect(files?.list()).toEqual([]))
  })

  it('replaced by a rename are noticed, even by an older file of the same size', async () => {
    await put('web.yaml', 'max: 8')
    await put('web.yaml.bak', 'max: 5')
    await utimes(join(dir, 'web.yaml.bak'), new Date(0), new Date(0))
    await watch()
    await rename(join(dir, 'web.yaml.bak'), join(dir, 'web.yaml'))
    await soon(() => expect(maxOf('web')).toBe('5'))
  })

  it('behind a symbolic link that is swapped, as mounted configs are, are noticed', async () => {
    for (const [version, max] of [
      ['v1', '8'],
      ['v2', '9'],
    ] as const) {
      await mkdir(join(root, version))
      await writeFile(join(root, version, 'web.yaml'), `max: ${max}`)
    }
    await symlink(join(root, 'v1'), join(dir, '..data'))
    await symlink(join('..data', 'web.yaml'), join(dir, 'web.yaml'))
    await watch()
    expect(maxOf('web')).toBe('8')
    await symlink(join(root, 'v2'), join(dir, '..next'))
    await rename(join(dir, '..next'), join(dir, '..data'))
    await soon(() => expect(maxOf('web')).toBe('9'))
  })

  it('are read again after the whole folder was replaced', async () => {
    await put('web.yaml', 'max: 8')
    await watch()
    await rename(dir, join(root, 'old'))
    await soon(() => expect(files?.list()).toEqual([]))
    await mkdir(dir)
    await put('web.yaml', 'max: 9')
    await soon(() => expect(maxOf('web')).toBe('9'))
  })

  it('touched and not changed disturb nobody', async () => {
    await put('web.yaml', 'max: 8')
    const { onChange } = await watch()
    const told = vi.fn()
    onChange(told)
    await utimes(join(dir, 'web.yaml'), new Date(), new Date())
    await severalPolls()
    expect(told).not.toHaveBeenCalled()
  })

  it('tell nobody who has unsubscribed or after close', async () => {
    const watched = await watch()
    const gone = vi.fn()
    const late = vi.fn()
    watched.onChange(gone)()
    watched.onChange(late)
    await put('web.yaml', 'max: 8')
    await soon(() => expect(late).toHaveBeenCalledTimes(1))
    await watched.close()
    await put('web.yaml', 'max: 9')
    await severalPolls()
    expect(gone).not.toHaveBeenCalled()
    expect(late).toHaveBeenCalledTimes(1)
    expect(maxOf('web')).toBe('8')
  })

  it('go on being watched when a listener fails', async () => {
    const watched = await watch()
    watched.onChange(() => {
      throw new Error('a fault of the listener')
    })
    await put('web.yaml', 'max: 8')
    await soon(() => expect(log.error).toHaveBeenCalled())
    await put('web.yaml', 'max: 9')
    await soon(() => expect(maxOf('web')).toBe('9'))
  })
})

describe('a policy file that cannot be used', () => {
  it('keeps its last good version and shows the fault with its line, until it is mended', async () => {
    await put('web.yaml', 'max: 8')
    await watch()
    await put('web.yaml', 'max: 9\nmin: [\n')
    await soon(() => expect(issuesOf('web')).toHaveLength(1))
    expect(issuesOf('web')).toMatchObject([
      { severity: 'warning', field: 'web.yaml', message: expect.stringMatching(/^line \d+: .*last version/) },
    ])
    expect(maxOf('web')).toBe('8')
    expect(log.warn).toHaveBeenCalledTimes(1)
    await put('web.yaml', 'max: 10')
    await soon(() => expect(maxOf('web')).toBe('10'))
    expect(issuesOf('web')).toEqual([])
  })

  it('keeps its last good version when an editor empties it for a moment', async () => {
    await put('web.yaml', 'max: 8')
    await watch()
    await truncate(join(dir, 'web.yaml'))
    await soon(() => expect(issuesOf('web')).toHaveLength(1))
    expect(maxOf('web')).toBe('8')
  })

  it.each([
    { name: 'no YAML', text: 'max: [' },
    { name: 'empty', text: '' },
    { name: 'a list', text: '- max: 8' },
    { name: 'a duplicate key', text: 'max: 8\nmax: 9' },
    { name: 'two documents', text: 'max: 8\n---\nmax: 9' },
    { name: 'not UTF-8', text: new Uint8Array([0x6d, 0x61, 0x78, 0x3a, 0x20, 0xff]) },
    { name: 'huge', text: `max: 8\n${'#'.repeat(64 * 1024)}` },
  ])('and never could be ($name) is a problem and no policy', async ({ text }) => {
    await put('web.yaml', text)
    const { list, problems } = await watch()
    expect(list()).toEqual([])
    expect(problems()).toMatchObject([{ file: 'web.yaml', issue: { severity: 'error', field: 'web.yaml' } }])
  })

  it('because it is a folder or a dangling link is a problem', async () => {
    await mkdir(join(dir, 'web.yaml'))
    await symlink(join(root, 'nowhere'), join(dir, 'api.yaml'))
    const { list, problems } = await watch()
    expect(list()).toEqual([])
    expect(problems().map(({ file }) => file)).toEqual(['api.yaml', 'web.yaml'])
    await writeFile(join(root, 'nowhere'), 'max: 3')
    await soon(() => expect(maxOf('api')).toBe('3'))
  })

  it('for a list or an alias as a value carries an error with field and value', async () => {
    await put('web.yaml', 'max: &top 8\nmin: *top\nstep:\n  up: [1, 2]\n')
    await watch()
    expect(issuesOf('web')).toMatchObject([
      { severity: 'error', field: 'min', value: '*top', message: expect.stringContaining('line 2') },
      { severity: 'error', field: 'step.up', value: '[…]', message: expect.stringContaining('line 4') },
    ])
  })

  it('because another is for the same service: both carry an error, until one is gone', async () => {
    await put('web.yaml', 'max: 8')
    await put('shop.yaml', 'service: web\nmax: 9')
    await watch()
    for (const name of ['web', 'shop']) {
      expect(issuesOf(name)).toMatchObject([{ severity: 'error', field: 'service', value: 'web' }])
    }
    await rm(join(dir, 'shop.yaml'))
    await soon(() => expect(issuesOf('web')).toEqual([]))
  })
})

describe('a folder that is missing', () => {
  it.each([
    { required: false, files: [] as string[] },
    { required: true, files: ['missing'] },
  ])('is a problem if a person named it, else not: $required', async ({ required, files: expected }) => {
    const { list, problems } = await watch({ dir: join(root, 'missing'), required })
    expect(list()).toEqual([])
    expect(problems().map(({ file }) => file.slice(root.length + 1))).toEqual(expected)
  })

  it('is read as soon as it is there', async () => {
    dir = join(root, 'later')
    await watch({ dir, required: true })
    await mkdir(dir)
    await put('web.yaml', 'max: 8')
    await soon(() => expect(maxOf('web')).toBe('8'))
    expect(files?.problems()).toEqual([])
  })
})
