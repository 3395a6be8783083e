import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { variables } from '../../../src/config/load.ts'
import type { VariableOptions } from '../../../src/config/variable.ts'

const BEGIN = '<!-- tables: begin -->'
const END = '<!-- tables: end -->'
const TABLES = new RegExp(`${BEGIN}\\n([\\s\\S]*)\\n${END}`)
const page = new URL('../../../docs/configuration.md', import.meta.url)
const docs = readFileSync(page, 'utf8')
const tables = TABLES.exec(docs)?.[1]?.trim()

it('docs/configuration.md holds the tables that the schema makes', () => {
  const wanted = configurationTables()
  if (process.env.UPDATE_DOCS === 'yes')
    writeFileSync(
      page,
      docs.replace(TABLES, () => `${BEGIN}\n\n${wanted}\n\n${END}`),
    )
  else expect(tables).toBe(wanted)
})

it('docs/configuration.md lists each variable of the schema once and no other', () => {
  const listed = [...(tables ?? '').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1])
  expect(listed.toSorted()).toEqual(
    variables()
      .map(({ env }) => env)
      .toSorted(),
  )
})

/** Markdown, one table a role. */
function configurationTables(): string {
  return [
    '## The controller (`serve`)',
    '',
    table('serve'),
    '',
    '## The agent (`agent`)',
    '',
    'And of those above `DOCKER_HOST` with its companions, for the engine of its own node, and `LOG_LEVEL`.',
    '',
    table('agent'),
    '',
    '## Commands (`ls`, `up`, `down`, `network` and Orbiter’s names for them)',
    '',
    '`network` also reads `DOCKER_HOST` with its companions, for the engine of a manager, and `ORRERY_NETWORK_DIR`.',
    '',
    table('commands'),
  ].join('\n')
}

const table = (role: VariableOptions['role']): string =>
  [
    '| variable | default | meaning |',
    '|---|---|---|',
    ...variables()
      .filter((v) => v.role === role)
      .map(row),
  ].join('\n')

const row = ({ env, default: fallback, description, secret }: VariableOptions): string =>
  `| \`${env}\` | ${fallback ? `\`${fallback}\`` : '–'} | ${description}${secret ? ' Secret.' : ''} |`
