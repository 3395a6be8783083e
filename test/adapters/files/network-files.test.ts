import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import {
  readNetworkFiles,
  type WatchedNetworkFiles,
  watchNetworkFiles,
} from '../../../src/adapters/files/network-files.ts'
import { parseDefinitionYaml } from '../../../src/adapters/files/parse-definition-yaml.ts'
import { POLL_MS, severalPolls, soon, watchedFolder } from './watched-folder.ts'

const folder = watchedFolder<WatchedNetworkFiles>('networks')

const vlan = (name: string, net: number) =>
  `name: ${name}\nsubnet: 10.${net}.0.0/16\ngateway: 10.${net}.0.1\npool: [10.${net}.1.0-10.${net}.9.255]\nrange: 24\n`

const options = { required: true, logger: folder.log, pollMs: POLL_MS }
const watch = async (over: { dir?: string; required?: boolean } = {}) => {
  folder.files = await watchNetworkFiles({ ...options, dir: folder.dir, ...over })
  return folder.files
}
const now = () => folder.files?.current()
/** What is defined, by file. */
const defined = () => Object.fromEntries((now()?.files ?? []).map(({ file, definition }) => [file, definition?.name]))

describe('network files', () => {
  it('are all read before the watching is handed over; examples, hidden files and other kinds are left alone', async () => {
    await folder.put('vlan40.yaml', vlan('vlan40', 40))
    await folder.put('any-name.yaml', vlan('dmz', 41))
    await folder.put('vlan42.example.yaml', vlan('vlan42', 42))
    await folder.put('.hidden.yaml', vlan('hidden', 43))
    await folder.put('README.md', '# networks')
    await folder.put('vlan44.yml', vlan('vlan44', 44))
    await watch()
    expect(defined()).toEqual({ 'any-name.yaml': 'dmz', 'vlan40.yaml': 'vlan40' })
    expect(now()?.issues).toEqual([
      { file: 'vlan44.yml', level: 'warning', message: 'not read: the name must end in .yaml' },
    ])
    expect(now()?.fault).toBeUndefined()
  })

  it('are known again when they change, and listeners are told', async () => {
    await folder.put('vlan40.yaml', vlan('vlan40', 40))
    const { onChange } = await watch()
    const told = vi.fn()
    onChange(told)
    await folder.put('dmz.yaml', vlan('dmz', 41))
    await soon(() => expect(defined()).toEqual({ 'dmz.yaml': 'dmz', 'vlan40.yaml': 'vlan40' }))
    expect(told).toHaveBeenCalled()
    await rm(join(folder.dir, 'dmz.yaml'))
    await soon(() => expect(defined()).toEqual({ 'vlan40.yaml': 'vlan40' }))
  })

  it.each([
    { name: 'no longer parses', text: 'subnet: [', message: 'the file cannot be read: line 1: ' },
    { name: 'is empty', text: '', message: 'the file cannot be read: the file is empty' },
    { name: 'has lost its name', text: vlan('', 40), message: '`name` is missing' },
    { name: 'has a bad name', text: vlan('Bad Name', 40), message: 'cannot be the name of a network' },
  ])('keep the name that they had when one $name, and define nothing', async ({ text, message }) => {
    await folder.put('vlan40.yaml', vlan('vlan40', 40))
    await watch()
    await folder.put('vlan40.yaml', text)
    await soon(() => expect(now()?.files).toEqual([{ file: 'vlan40.yaml', name: 'vlan40' }]))
    expect(now()?.issues[0]).toMatchObject({
      file: 'vlan40.yaml',
      level: 'error',
      message: expect.stringContaining(message),
    })
    expect(folder.log.warn).toHaveBeenCalledTimes(1)
    await folder.put('vlan40.yaml', vlan('vlan40', 40))
    await soon(() => expect(defined()).toEqual({ 'vlan40.yaml': 'vlan40' }))
  })

  it('that never parsed have the name of a line that says so', async () => {
    await folder.put('broken.yaml', 'subnet: [\nname: "vlan40" # ours\n')
    await folder.put('worse.yaml', 'subnet: [\nname: {a: b}\n')
    await watch()
    expect(now()?.files).toEqual([{ file: 'broken.yaml', name: 'vlan40' }, { file: 'worse.yaml' }])
  })

  it('that contradict each other define nothing until one of them goes', async () => {
    await folder.put('one.yaml', vlan('vlan40', 40))
    await folder.put('two.yaml', vlan('vlan40', 41))
    await watch()
    expect(defined()).toEqual({ 'one.yaml': undefined, 'two.yaml': undefined })
    await rm(join(folder.dir, 'two.yaml'))
    await soon(() => expect(defined()).toEqual({ 'one.yaml': 'vlan40' }))
  })

  it('of a folder that is not there are a fault, worth a word only where somebody named it', async () => {
    await watch({ dir: join(folder.root, 'nowhere'), required: false })
    expect(now()).toEqual({ files: [], issues: [], fault: `the folder ${join(folder.root, 'nowhere')} does not exist` })
    expect(folder.log.warn).not.toHaveBeenCalled()
    await folder.files?.close()
    await watch({ dir: join(folder.root, 'nowhere') })
    expect(folder.log.warn).toHaveBeenCalledTimes(1)
  })

  it('of a folder that is empty are no fault, and it is said', async () => {
    await watch()
    expect(now()).toEqual({
      files: [],
      issues: [{ file: folder.dir, level: 'warning', message: 'the folder is empty: no file in it ends in .yaml' }],
    })
  })

  it('of a folder that goes away are not taken for removed: the fault says that nothing may be concluded', async () => {
    await folder.put('vlan40.yaml', vlan('vlan40', 40))
    const { onChange } = await watch()
    const isEmpty = () => now()?.fault === undefined && now()?.files.length === 0
    let lookedEmpty = false
    onChange(() => {
      lookedEmpty ||= isEmpty()
    })
    await rename(folder.dir, join(folder.root, 'aside'))
    await soon(() => expect(now()?.fault).toBe(`the folder ${folder.dir} does not exist`))
    await writeFile(folder.dir, 'a file in its place')
    await severalPolls()
    expect(now()?.fault).toBeDefined()
    await rm(folder.dir)
    await rename(join(folder.root, 'aside'), folder.dir)
    await soon(() => expect(now()?.fault).toBeUndefined())
    expect(defined()).toEqual({ 'vlan40.yaml': 'vlan40' })
    expect(lookedEmpty).toBe(false)
  })

  it('are read once for a command that ends', async () => {
    await folder.put('vlan40.yaml', vlan('vlan40', 40))
    const { files: read, issues } = await readNetworkFiles({ ...options, dir: folder.dir })
    expect(read).toMatchObject([{ file: 'vlan40.yaml', name: 'vlan40', definition: { name: 'vlan40' } }])
    expect(issues).toEqual([])
  })
})

describe('the YAML of a network', () => {
  it('keeps values as they are written', () => {
    expect(
      parseDefinitionYaml('range: 024\nshim: no\npool: [1.0, fd00::-fd00::9, "x"]\nnodes: {a: fd00::/80}\nconfig:\n'),
    ).toEqual({
      kind: 'parsed',
      value: { range: '024', shim: 'no', pool: ['1.0', 'fd00::-fd00::9', 'x'], nodes: { a: 'fd00::/80' }, config: '' },
    })
  })

  it.each([
    { name: 'a field twice', text: 'name: a\nname: b\n', message: 'line 2: name is written twice' },
    {
      name: 'an alias',
      text: 'name: &a x\nconfig: *a\n',
      message: 'line 2: *a is an alias, which network files do not take',
    },
    { name: 'a list', text: '- name: a\n', message: 'line 1: fields and their values are needed: `name: vlan40`' },
    {
      name: 'a second document',
      text: 'name: a\n---\nname: b\n',
      message: 'line 2: a second document begins; a file is one document',
    },
  ])('is refused with $name', ({ text, message }) => {
    expect(parseDefinitionYaml(text)).toEqual({ kind: 'unparsable', message })
  })

  it('is parsed or refused, never thrown at', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'ab:- \n[]{}&*!|>"\'#,?%') }))
    fc.assert(
      fc.property(text, (one) => {
        expect(['parsed', 'unparsable']).toContain(parseDefinitionYaml(one).kind)
      }),
    )
  })
})
