/**
 * Every block of the pages: each command is one that its program takes, as far as it is ours, and each piece of YAML means what
 * the page says. What `orrery` is told is parsed in said.test.ts, every curl is sent in test/http/documented-calls.test.ts.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseDefinitionYaml } from '../../../src/adapters/files/parse-definition-yaml.ts'
import { readPolicy } from '../../../src/autoscaling/policy/read-policy.ts'
import { readDefinition } from '../../../src/bootstrap/definition/read-definition.ts'
import { variables } from '../../../src/config/load.ts'
import { documentedMetrics, metricsIn } from './asked-metrics.ts'
import { blocksOf, markdownFiles, read, root } from './markdown.ts'

const PAGES = markdownFiles().filter((path) => !/^(AGENTS|test\/|docs\/(architecture|decisions\/))/.test(path))
const known = new Set(variables().map(({ env }) => env))
/** Node's own, and the image's name in the stack files' comments. */
const OF_OTHERS = ['NODE_EXTRA_CA_CERTS', 'CONSUL_JOIN', 'SERVICE_NAME', 'CONSUL_SUBNET']

/** Files that a page has its reader write beside the stack file. */
const OF_THE_READER = ['own.yml', 'tls.yml']

/** Programs of others, each with why a page has its reader type it. */
const OTHERS: Readonly<Record<string, string>> = {
  dig: 'asks Consul’s own DNS',
  cp: 'puts a program beside a Dockerfile',
  for: 'the shell’s loop',
  printf: 'writes a file of the reader’s',
  timeout: 'ends a command that may not end by itself',
  done: 'its end',
  '}': 'the end of a function of the shell',
  'orrery()': 'a function of the shell: its words are those of docker',
}

interface Typed {
  readonly line: string
  readonly variables: readonly string[]
  readonly program: string
  readonly words: readonly string[]
}

const typedIn = (page: string): Typed[] =>
  blocksOf(read(page)).flatMap(({ language, text }) => {
    const lines = text.replaceAll(/\\\n\s*/g, '').split('\n')
    const typed = language === 'sh' ? lines : lines.flatMap((line) => /^ *\$ (.*)/.exec(line)?.[1] ?? [])
    return typed.flatMap((raw) => {
      const line = raw.replace(/ +#.*$/, '').trim()
      if (line === '') return []
      const [, given = '', rest = ''] = /^((?:\w+=(?:"[^"]*"|'[^']*'|\$\([^)]*\)|\S*) *)*)(.*)$/.exec(line) ?? []
      const [program = '', ...words] = rest.split(/\s+/)
      return [{ line, program, words, variables: [...given.matchAll(/(\w+)=/g)].map(([, name = '']) => name) }]
    })
  })

const valuesOf = (words: readonly string[], option: string) =>
  words.flatMap((word, at) => (word === option ? (words[at + 1] ?? '') : []))

/** What is wrong with a line, as far as it is ours; empty: nothing. */
function wrongWith({ line, program, words, variables: given }: Typed): string[] {
  const wrong: string[] = []
  const expectThat = (isSo: boolean, what: string) => {
    if (!isSo) wrong.push(`${line}: ${what}`)
  }
  const missing = (path: string) => !existsSync(join(root, path))
  if (program === 'docker') {
    for (const file of words[0] === 'stack' ? valuesOf(words, '-c') : []) {
      if (OF_THE_READER.includes(file)) continue
      if (missing(file)) return [`${line}: no ${file}`]
      const stack = read(file)
      for (const name of given) expectThat(stack.includes(`\${${name}:-`), `${file} does not pass ${name} on`)
    }
    const added = ['--label-add', '--label'].flatMap((option) => valuesOf(words, option))
    const removed = valuesOf(words, '--label-rm').map((name) => `${name}=1`)
    const pairs = [...added, ...removed].map((label) => label.split('=', 2))
    const { issues } = readPolicy({ serviceName: 'web', labels: Object.fromEntries(pairs) })
    for (const { field, message } of issues)
      expectThat(!(removed.length > 0 ? /unknown/ : /unknown|is not/).test(message), `${field}: ${message}`)
    for (const pair of ['-e', '--env'].flatMap((option) => valuesOf(words, option))) {
      const [name = ''] = pair.split('=')
      expectThat(known.has(name) || OF_OTHERS.includes(name), `no variable ${name}`)
    }
    return wrong
  }
  if (program === 'sh') {
    const [script = '', ...options] = words
    if (missing(script)) return [`${line}: no ${script}`]
    for (const option of options) expectThat(read(script).includes(option), `no ${option}`)
    return wrong
  }
  if (program === '')
    for (const name of given.filter((one) => /^[A-Z]+_/.test(one))) expectThat(known.has(name), `no variable ${name}`)
  const isOurs = ['orrery', 'curl', 'npm', ''].includes(program)
  expectThat(isOurs || Object.hasOwn(OTHERS, program), `${program} is neither ours nor known`)
  return wrong
}

describe('what the pages have a reader type', () => {
  it.each(PAGES.map((page) => ({ page })))('of $page is taken', ({ page }) => {
    expect(typedIn(page).flatMap(wrongWith)).toEqual([])
  })

  it('is found, and what is wrong is noticed', () => {
    expect(PAGES.flatMap(typedIn).length).toBeGreaterThan(60)
    const of = (line: string) => {
      const [program = '', ...words] = line.split(' ')
      return wrongWith({ line, program, words, variables: [] }).length
    }
    expect(of('docker stack deploy -c docker-compose.yaml orrery')).toBe(1)
    expect(of('docker service update --label-add autoscaler.maximum=3 web')).toBe(1)
    expect(of('docker run -e ORRERY_TOKENFILE=/x orrery:0.1.0 ls')).toBe(1)
    expect(of('sh scripts/make-tokens.sh --renew')).toBe(1)
    expect(of('orery ls')).toBe(1)
  })
})

interface Stack {
  readonly services?: Readonly<Record<string, Stack>>
  readonly deploy?: Stack
  readonly labels?: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, unknown>>
}
interface Rules {
  readonly groups?: readonly { readonly rules: readonly { readonly expr: string }[] }[]
}
const nested = (stack: Stack): Stack[] => [
  stack,
  ...(stack.deploy === undefined ? [] : [stack.deploy]),
  ...Object.values(stack.services ?? {}).flatMap(nested),
]

describe('the YAML of the pages', () => {
  const blocks = PAGES.flatMap((page) =>
    blocksOf(read(page)).flatMap(({ language, text }) => (language === 'yaml' ? [{ page, text }] : [])),
  )

  it.each(blocks)('$page: $text', ({ text }) => {
    const value = parse(text, { uniqueKeys: false, merge: true }) as Stack & Rules & Readonly<Record<string, unknown>>
    for (const { labels = {}, environment = {} } of nested(value)) {
      const texts = Object.entries(labels).map(([name, one]) => [name, `${one}`])
      const { issues } = readPolicy({ serviceName: 'web', labels: Object.fromEntries(texts) })
      expect(issues).toEqual([])
      expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([])
    }
    for (const { expr } of (value.groups ?? []).flatMap(({ rules }) => rules))
      for (const { name } of metricsIn(expr)) expect(documentedMetrics.has(name), name).toBe(true)
    if (!Object.hasOwn(value, 'subnet')) return
    const yaml = parseDefinitionYaml(text)
    const { definition, issues } =
      yaml.kind === 'parsed' ? readDefinition('a.yaml', yaml.value) : expect.fail(yaml.message)
    expect(issues.filter(({ level }) => level === 'error')).toEqual([])
    expect(definition).toBeDefined()
  })
})
