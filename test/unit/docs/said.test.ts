/** What the pages tell a reader to type, and what they say that the program says. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { program } from '../../../src/commands/program.ts'
import { fakeConsole } from '../commands/network/fake-session.ts'
import { markdownFiles, read, root } from './markdown.ts'

const PAGES = markdownFiles().filter(
  (path) => !/^(AGENTS|test\/|docs\/(architecture|performance|decisions\/))/.test(path),
)

/** Lines of shell blocks, those that end in a backslash joined. */
const shellLines = (text: string) =>
  [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
const spans = (text: string) =>
  [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replaceAll('\n', ' '))

/** The words after `orrery`, however it is started; `<name>` and `…` stand for any word. */
function commandsIn(path: string): string[][] {
  const text = read(path)
  const starts =
    /^(?:\$ )?(?:orrery|docker (?:run|exec) .*?(?:orrery:\S+|\/app\/dist\/main\.js)|node dist\/main\.js) +(.+)$/
  const shell = [...shellLines(text), ...[...text.matchAll(/^\$ (orrery .*)$/gm)].map(([, line = '']) => line)]
  const written = [...shell, ...spans(text).filter((span) => span.startsWith('orrery '))]
  return written.flatMap((line) => {
    const [, words] =
      starts.exec(
        line
          .trim()
          .replace(/\s+#.*$|\s*\|.*$|;$/g, '')
          .trim(),
      ) ?? []
    if (words === undefined || /["$]/.test(words)) return []
    const plain = words
      .replace(/\[[^\]]*\]/g, '')
      .replace(/[.…]+$/, '')
      .replaceAll(/<[^>]+>/g, 'any')
    return [plain.split(/\s+/).filter(Boolean)]
  })
}

async function parse(words: readonly string[]): Promise<string> {
  try {
    await program(fakeConsole().io, () => async () => {}).parseAsync(words, { from: 'user' })
    return ''
  } catch (error) {
    // A word with commands of its own shows its help.
    if (error instanceof CommanderError && ['commander.help', 'commander.helpDisplayed'].includes(error.code)) return ''
    return `orrery ${words.join(' ')}: ${(error as Error).message}`
  }
}

describe('the commands of the pages', () => {
  it.each(PAGES.map((path) => ({ path })))('$path are ones that the program takes', async ({ path }) => {
    const wrong = await Promise.all(commandsIn(path).map(parse))
    expect(wrong.filter(Boolean)).toEqual([])
  })

  it('are found, and wrong ones are noticed', async () => {
    const all = PAGES.flatMap(commandsIn).map((words) => words.join(' '))
    expect(all).toEqual(
      expect.arrayContaining(['uninstall --yes', 'network apply --allow-drain', 'ls', 'explain shop_web up']),
    )
    expect(await parse(['network', 'aply'])).toContain("unknown command 'aply'")
    expect(await parse(['uninstall', '--force'])).toContain("unknown option '--force'")
  })
})

/** Said by the engine, Swarm or Consul, or to be written into a file of the reader's. */
const OTHERS_SAY = ['is in use', 'stop_grace_period: 15s', 'orrery network adopt swarm-vlan40_net']

const sources = ['src', 'scripts', 'web'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|tsx|sh)$/.test(file))
    .map((file) => read(join(folder, file))),
)

describe('what the pages say that is said', () => {
  it.each(PAGES.map((path) => ({ path })))('$path is in the program', ({ path }) => {
    const said = [...read(path).matchAll(/\b(?:says?|said|told)(?: so| of itself)?(?: with| once)?[ (:]+`([^`]+)`/g)]
    const quoted = said.map(([, text = '']) => text.replaceAll('\n', ' ')).filter((text) => !OTHERS_SAY.includes(text))
    const parts = quoted.flatMap((text) => text.split(/…|<[^>]+>/)).filter((part) => part.trim() !== '')
    expect(parts.filter((part) => !sources.some((source) => source.includes(part.trim())))).toEqual([])
  })

  it.each([
    { path: 'docs/networks.md', heading: 'Troubleshooting' },
    { path: 'docs/why-did-it-not-scale.md', heading: 'By code' },
    { path: 'docs/operations.md', heading: 'By condition' },
  ])('codes of $path, $heading, are codes', ({ path, heading }) => {
    const section =
      read(path)
        .split(/^#{2,3} /m)
        .find((part) => part.startsWith(`${heading}\n`)) ?? ''
    const cells = section.split('\n').flatMap((line) => /^\| ([^|]+) \|/.exec(line)?.[1] ?? [])
    const codes = cells.flatMap((cell) => [...cell.matchAll(/`([A-Za-z]+(?:-[a-z]+)*)`/g)].map(([, code = '']) => code))
    expect(codes.length).toBeGreaterThan(5)
    expect(codes.filter((code) => !sources.some((source) => new RegExp(`\\b${code}\\b`).test(source)))).toEqual([])
  })
})
