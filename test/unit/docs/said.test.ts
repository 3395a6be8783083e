/** What the pages tell a reader to type, and what they say that the program says. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { POLICY_FIELDS } from '../../../src/autoscaling/policy/policy-fields.ts'
import { parseCron } from '../../../src/autoscaling/schedule/cron.ts'
import { DEFINITION_FIELDS } from '../../../src/bootstrap/definition/read-definition.ts'
import { program } from '../../../src/commands/program.ts'
import { fakeConsole } from '../commands/network/fake-session.ts'
import { documentedMetrics, metricsIn } from './asked-metrics.ts'
import { blocksOf, markdownFiles, read, root, withoutBlocks } from './markdown.ts'

const PAGES = markdownFiles().filter(
  (path) => !/^(AGENTS|test\/|docs\/(architecture|performance|decisions\/))/.test(path),
)

/** Lines of shell blocks, those that end in a backslash joined. */
const shellLines = (text: string) =>
  blocksOf(text).flatMap(({ language, text: block }) =>
    language === 'sh' ? block.replaceAll('\\\n', ' ').split('\n') : [],
  )
const spans = (text: string) =>
  [...withoutBlocks(text).matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replaceAll(/\s*\n\s*/g, ' '))

/** The words after `orrery`, however it is started; `<name>` and `…` stand for any word. */
function commandsIn(path: string): string[][] {
  const text = read(path)
  const starts =
    /^(?:\$ )?(?:orrery|docker (?:run|exec) .*?(?:orrery:\S+|\/app\/dist\/main\.js)|node dist\/main\.js) +(.+)$/
  const shell = [...shellLines(text), ...[...text.matchAll(/^ *\$ (orrery .*)$/gm)].map(([, line = '']) => line)]
  // The name of a command alone has no arguments.
  const inText = spans(text).map((span) =>
    /^network [a-z<]/.test(span) ? `orrery ${span}${/^\w+ \w+$/.test(span) ? ' --help' : ''}` : span,
  )
  const written = [...shell, ...inText.filter((span) => span.startsWith('orrery '))]
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

const files = ['src', 'scripts', 'web'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|tsx|sh)$/.test(file))
    .map((file) => join(folder, file)),
)
const sources = files.map(read)

/** Texts of the program in which something is filled in, as patterns; those that say next to nothing by themselves are left out. */
const filledIn: readonly RegExp[] = files.flatMap((file) => {
  const found: RegExp[] = []
  const visit = (node: ts.Node) => {
    if (ts.isTemplateExpression(node)) {
      const parts = [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)]
      const plain = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      if (parts.join('').replaceAll(/[^a-z]/gi, '').length >= 10) found.push(new RegExp(`^${plain.join('.*?')}$`))
    }
    ts.forEachChild(node, visit)
  }
  if (file.endsWith('.sh')) return []
  visit(ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest))
  return found
})

/** Whether the program has this text, whole or as a part; `…` and `<…>` stand for anything. */
const canPrint = (text: string): boolean =>
  filledIn.some((pattern) => pattern.test(text.replace(/…$/, ''))) ||
  text
    .split(/…|<[^>]+>/)
    .filter((part) => part.trim() !== '')
    .every((part) => sources.some((source) => source.includes(part.trim())))

/** What a span may be that the program does not print. Each says what holds it, or whose it is. */
const NOT_PRINTED: Readonly<Record<string, (span: string) => boolean>> = {
  'a command of ours, parsed above': (span) => /^(orrery|network) /.test(span),
  'a command of others, or with variables: test/unit/docs/typed.test.ts has those of blocks': (span) =>
    /^(\w+=\S+ )?(docker|dockerd|npm|sh|ip|amtool|sysctl|modprobe|openssl|dig|curl|exec|consul|node) /.test(span),
  'a call, or its header: test/http has them': (span) =>
    /^((GET|POST|PUT|DELETE) …?\/|\?since=|-H |Authorization: |X-Orrery-Token: |\d{3} [a-z-]+$|\{stage, )/.test(span),
  'a field of a policy or definition': (span) => {
    const [, field = ''] = /^(?:autoscaler\.)?([\w.-]+): /.exec(span) ?? []
    const isIt = (name: string) =>
      new RegExp(`^${name.replace('<n>', '\\w+')}$`).test(field) || name.startsWith(`${field}.`)
    return [...POLICY_FIELDS, ...DEFINITION_FIELDS].some(({ name }) => isIt(name))
  },
  'a cron expression': (span) => Object.hasOwn(parseCron(span), 'cron'),
  'PromQL over metrics that there are': (span) => {
    const asked = metricsIn(span)
    return asked.length > 0
      ? asked.every(({ name }) => documentedMetrics.has(name))
      : /^(max by \(|… or vector)/.test(span)
  },
  'a line of a token file': (span) => /^(agent|scale|role) (<token>|token|\S+…( \w+)?)$|^agent …$/.test(span),
  'YAML for the files of others: Alertmanager, stacks, Docker': (span) =>
    /^(group_by|send_resolved|scale|target|stop_grace_period|tls_config|notification_reason|x-scaling): |^<<: /.test(
      span,
    ),
  'nginx’s configuration, run in test/e2e': (span) => /^(proxy_\w+|listen|location) /.test(span),
  'options of others: Docker, Registrator, Orbiter': (span) => /^-{1,2}[\w-]+[ =]/.test(span),
  'said by the engine or Swarm': (span) =>
    [
      'already using parent interface',
      'configuration network … does not exist',
      'no available IPv4 addresses',
      'no suitable node (…)',
      'is in use',
    ].includes(span),
  'a constraint of Swarm, whose label is tested in test/e2e': (span) => /^node\.labels\./.test(span),
  'a placeholder of the docs': (span) => /^http:\/\/<any manager>:8000\/ui$/.test(span),
  'a part of a sentence that has a minimum and a maximum (test/http/docker-scaler.test.ts)': (span) =>
    span === 'max: none',
  'rights of Consul (test/adapters/consul/rights.test.ts)': (span) => /_prefix "/.test(span),
}

describe('what the pages say that is said', () => {
  it.each(PAGES.map((path) => ({ path })))(
    'every text of $path that is quoted is the program’s, or its kind is known',
    ({ path }) => {
      const quoted = spans(read(path)).filter((span) => span.trim().includes(' '))
      const others = quoted.filter((span) => !Object.values(NOT_PRINTED).some((is) => is(span)))
      expect(others.filter((span) => !canPrint(span))).toEqual([])
    },
  )

  it.each(PAGES.map((path) => ({ path })))(
    'what $path says that is said, words without blanks too, is in the program',
    ({ path }) => {
      const said = [...read(path).matchAll(/\b(?:says?|said|told)(?: so| of itself)?(?: with| once)?[ (:]+`([^`]+)`/g)]
      const quoted = said.map(([, text = '']) => text.replaceAll('\n', ' '))
      const ours = quoted.filter((text) => !Object.values(NOT_PRINTED).some((is) => is(text)))
      expect(ours.filter((text) => !canPrint(text))).toEqual([])
    },
  )

  it('a text that nobody prints is noticed', () => {
    expect(canPrint('paused via API until …')).toBe(true)
    expect(canPrint('Scaling web from 3 to 4 replicas (min: 1, max: 5)')).toBe(true)
    expect(canPrint('Scaled web from 3 to 4 replicas')).toBe(false)
    expect(canPrint('the count is heard of')).toBe(false)
    for (const is of Object.values(NOT_PRINTED)) expect(is('the count is heard of')).toBe(false)
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
