import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { configurationTables } from '../../../src/config/docs-table.ts'
import { variables } from '../../../src/config/load.ts'

const docs = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
const tables = /<!-- tables: begin -->\n([\s\S]*)\n<!-- tables: end -->/.exec(docs)?.[1]?.trim()

it('docs/configuration.md holds the tables that the schema makes', () => {
  expect(tables).toBe(configurationTables())
})

it('docs/configuration.md lists each variable of the schema once and no other', () => {
  const listed = [...(tables ?? '').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1])
  expect(listed.toSorted()).toEqual(
    variables()
      .map(({ env }) => env)
      .toSorted(),
  )
})
