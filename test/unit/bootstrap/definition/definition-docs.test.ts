import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseDefinitionYaml } from '../../../../src/adapters/files/parse-definition-yaml.ts'
import { checkDefinitions } from '../../../../src/bootstrap/definition/check-definitions.ts'
import { DEFINITION_FIELDS, readDefinition } from '../../../../src/bootstrap/definition/read-definition.ts'

const fileAt = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')

const read = (name: string, text: string) => {
  const yaml = parseDefinitionYaml(text)
  if (yaml.kind !== 'parsed') throw new Error(yaml.message)
  return readDefinition(name, yaml.value)
}

const readme = fileAt('networks/README.md')
const complete = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
const examples = readdirSync(new URL('../../../../networks/', import.meta.url)).filter((name) => name.endsWith('.yaml'))
const texts = [
  ...examples.map((name) => ({ name, text: fileAt(`networks/${name}`) })),
  { name: 'the complete example of networks/README.md', text: complete },
]

describe('the documentation of network definitions', () => {
  it('has exactly the fields of the field table, with their defaults', () => {
    const rows = [...readme.matchAll(/^\| `([^`|]+)` +\| ([^|]*) \|/gm)].map(([, name, text = '']) => [
      name,
      text.trim(),
    ])
    expect(rows).toEqual(DEFINITION_FIELDS.map(({ name, defaultText }) => [name, defaultText]))
  })

  it('shows every field in its complete example', () => {
    const yaml = parseDefinitionYaml(complete)
    const fields = yaml.kind === 'parsed' && typeof yaml.value === 'object' ? Object.keys(yaml.value) : []
    expect(fields.toSorted()).toEqual(DEFINITION_FIELDS.map(({ name }) => name).toSorted())
  })

  it('comes with examples that are never loaded', () => {
    expect(examples.length).toBeGreaterThanOrEqual(2)
    expect(examples.filter((name) => !name.endsWith('.example.yaml'))).toEqual([])
  })

  it.each(texts)('$name is a valid definition without any issue', ({ name, text }) => {
    const { definition, issues } = read(name, text)
    expect(issues).toEqual([])
    expect(definition).toBeDefined()
  })

  it('ships examples that can all be in force together', () => {
    const files = examples.map((file) => ({ file, ...read(file, fileAt(`networks/${file}`)) }))
    expect(checkDefinitions({ files, issues: [] }).issues).toEqual([])
  })

  it('takes as default what the table says', () => {
    const { definition } = read(
      'a.yaml',
      'name: a\nsubnet: 10.0.0.0/16\ngateway: 10.0.0.1\npool: 10.0.1.0/24\nrange: 26\n',
    )
    const defaults = new Map(DEFINITION_FIELDS.map(({ name, defaultText }) => [name, defaultText]))
    expect(definition).toMatchObject({
      configName: defaults.get('config')?.replace('<name>', 'a'),
      driver: defaults.get('driver'),
      parent: defaults.get('parent'),
      edges: defaults.get('edges'),
      shim: defaults.get('shim') === 'true',
      onFault: defaults.get('onFault'),
    })
  })
})
