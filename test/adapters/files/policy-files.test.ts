import { mkdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { type WatchedPolicyFiles, watchPolicyFiles } from '../../../src/adapters/files/policy-files.ts'
import { POLL_MS, severalPolls, soon, watchedFolder } from './watched-folder.ts'

const folder = watchedFolder<WatchedPolicyFiles>('autoscalers')

const watch = async (over: { dir?: string; required?: boolean; pollMs?: number } = {}) => {
  folder.files = await watchPolicyFiles({
    dir: folder.dir,
    required: false,
    logger: folder.log,
    pollMs: POLL_MS,
    ...over,
  })
  return folder.files
}

/** What a policy says is its `max` in these stories. */
const maxOf = (name: string) => folder.files?.list().find((file) => file.name === name)?.fields.max
const issuesOf = (name: string) => folder.files?.list().find((file) => file.name === name)?.issues

describe('policy files', () => {
  it('are all read before the watching is handed over', async () => {
    await folder.put('web.yaml', 'max: 8\nstep: {up: 2, down: 25%}\ncooldown:\n  up: 010\ndry-run: no\n')
    await folder.put('api.yaml', 'service: shop_api\nmax: "3"\n')
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
    await folder.put('web.example.yaml', 'max: 1')
    await folder.put('.web.yaml', 'max: 1')
    await folder.put('README.md', '# policies')
    await folder.put('web.yml', 'max: 1')
    const { list, problems } = await watch()
    expect(list()).toEqual([])
    expect(problems()).toMatchObject([{ file: 'web.yml', issue: { severity: 'warning' } }])
  })

  it('changed in place are in force within 2 s at the pace of the product, and listeners are told', async () => {
    await folder.put('web.yaml', 'max: 8')
    folder.files = await watchPolicyFiles({ dir: folder.dir, required: true, logger: folder.log })
    const told = vi.fn()
    folder.files.onChange(told)
    const sinceMs = performance.now()
    await writeFile(join(folder.dir, 'web.yaml'), 'max: 9')
    await soon(() => expect(maxOf('web')).toBe('9'))
    console.log(
      `a changed policy file is in force after ${Math.round(performance.now() - sinceMs)} ms (promised: 2000)`,
    )
    expect(told).toHaveBeenCalled()
  })

  it('added and removed are noticed', async () => {
    await watch()
    await folder.put('web.yaml', 'max: 8')
    await soon(() => expect(maxOf('web')).toBe('8'))
    await rm(join(folder.dir, 'web.yaml'))
    await soon(() => expect(folder.files?.list()).toEqual([]))
  })

  it('replaced by a rename are noticed, even by an older file of the same size', async () => {
    await folder.put('web.yaml', 'max: 8')
    await folder.put('web.yaml.bak', 'max: 5')
    await utimes(join(folder.dir, 'web.yaml.bak'), new Date(0), new Date(0))
    await watch()
    await rename(join(folder.dir, 'web.yaml.bak'), join(folder.dir, 'web.yaml'))
    await soon(() => expect(maxOf('web')).toBe('5'))
  })

  it('behind a symbolic link that is swapped, as mounted configs are, are noticed', async () => {
    for (const [version, max] of [
      ['v1', '8'],
      ['v2', '9'],
    ] as const) {
      await mkdir(join(folder.root, version))
      await writeFile(join(folder.root, version, 'web.yaml'), `max: ${max}`)
    }
    await symlink(join(folder.root, 'v1'), join(folder.dir, '..data'))
    await symlink(join('..data', 'web.yaml'), join(folder.dir, 'web.yaml'))
    await watch()
    expect(maxOf('web')).toBe('8')
    await symlink(join(folder.root, 'v2'), join(folder.dir, '..next'))
    await rename(join(folder.dir, '..next'), join(folder.dir, '..data'))
    await soon(() => expect(maxOf('web')).toBe('9'))
  })

  it('are read again after the whole folder was replaced', async () => {
    await folder.put('web.yaml', 'max: 8')
    await watch()
    await rename(folder.dir, join(folder.root, 'old'))
    await soon(() => expect(folder.files?.list()).toEqual([]))
    await mkdir(folder.dir)
    await folder.put('web.yaml', 'max: 9')
    await soon(() => expect(maxOf('web')).toBe('9'))
  })

  it('touched and not changed disturb nobody', async () => {
    await folder.put('web.yaml', 'max: 8')
    const { onChange } = await watch()
    const told = vi.fn()
    onChange(told)
    await utimes(join(folder.dir, 'web.yaml'), new Date(), new Date())
    await severalPolls()
    expect(told).not.toHaveBeenCalled()
  })

  it('tell nobody who has unsubscribed or after close', async () => {
    const watched = await watch()
    const gone = vi.fn()
    const late = vi.fn()
    watched.onChange(gone)()
    watched.onChange(late)
    await folder.put('web.yaml', 'max: 8')
    await soon(() => expect(late).toHaveBeenCalledTimes(1))
    await watched.close()
    await folder.put('web.yaml', 'max: 9')
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
    await folder.put('web.yaml', 'max: 8')
    await soon(() => expect(folder.log.error).toHaveBeenCalled())
    await folder.put('web.yaml', 'max: 9')
    await soon(() => expect(maxOf('web')).toBe('9'))
  })
})

describe('a policy file that cannot be used', () => {
  it('keeps its last good version and shows the fault with its line, until it is mended', async () => {
    await folder.put('web.yaml', 'max: 8')
    await watch()
    await folder.put('web.yaml', 'max: 9\nmin: [\n')
    await soon(() => expect(issuesOf('web')).toHaveLength(1))
    expect(issuesOf('web')).toMatchObject([
      { severity: 'warning', field: 'web.yaml', message: expect.stringMatching(/^line \d+: .*last version/) },
    ])
    expect(maxOf('web')).toBe('8')
    expect(folder.log.warn).toHaveBeenCalledTimes(1)
    await folder.put('web.yaml', 'max: 10')
    await soon(() => expect(maxOf('web')).toBe('10'))
    expect(issuesOf('web')).toEqual([])
  })

  it('keeps its last good version when an editor empties it for a moment', async () => {
    await folder.put('web.yaml', 'max: 8')
    await watch()
    await truncate(join(folder.dir, 'web.yaml'))
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
    await folder.put('web.yaml', text)
    const { list, problems } = await watch()
    expect(list()).toEqual([])
    expect(problems()).toMatchObject([{ file: 'web.yaml', issue: { severity: 'error', field: 'web.yaml' } }])
  })

  it('because it is a folder or a dangling link is a problem', async () => {
    await mkdir(join(folder.dir, 'web.yaml'))
    await symlink(join(folder.root, 'nowhere'), join(folder.dir, 'api.yaml'))
    const { list, problems } = await watch()
    expect(list()).toEqual([])
    expect(problems().map(({ file }) => file)).toEqual(['api.yaml', 'web.yaml'])
    await writeFile(join(folder.root, 'nowhere'), 'max: 3')
    await soon(() => expect(maxOf('api')).toBe('3'))
  })

  it('for a list or an alias as a value carries an error with field and value', async () => {
    await folder.put('web.yaml', 'max: &top 8\nmin: *top\nstep:\n  up: [1, 2]\n')
    await watch()
    expect(issuesOf('web')).toMatchObject([
      { severity: 'error', field: 'min', value: '*top', message: expect.stringContaining('line 2') },
      { severity: 'error', field: 'step.up', value: '[…]', message: expect.stringContaining('line 4') },
    ])
  })

  it('because another is for the same service: both carry an error, until one is gone', async () => {
    await folder.put('web.yaml', 'max: 8')
    await folder.put('shop.yaml', 'service: web\nmax: 9')
    await watch()
    for (const name of ['web', 'shop']) {
      expect(issuesOf(name)).toMatchObject([{ severity: 'error', field: 'service', value: 'web' }])
    }
    await rm(join(folder.dir, 'shop.yaml'))
    await soon(() => expect(issuesOf('web')).toEqual([]))
  })
})

describe('a folder that is missing', () => {
  it.each([
    { required: false, files: [] as string[] },
    { required: true, files: ['missing'] },
  ])('is a problem if a person named it, else not: $required', async ({ required, files: expected }) => {
    const { list, problems } = await watch({ dir: join(folder.root, 'missing'), required })
    expect(list()).toEqual([])
    expect(problems().map(({ file }) => file.slice(folder.root.length + 1))).toEqual(expected)
  })

  it('is read as soon as it is there', async () => {
    folder.dir = join(folder.root, 'later')
    await watch({ required: true })
    await mkdir(folder.dir)
    await folder.put('web.yaml', 'max: 8')
    await soon(() => expect(maxOf('web')).toBe('8'))
    expect(folder.files?.problems()).toEqual([])
  })
})
