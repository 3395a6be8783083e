import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parsePolicyYaml } from '../../../../src/adapters/files/parse-policy-yaml.ts'
import { POLICY_FIELDS } from '../../../../src/autoscaling/policy/policy-fields.ts'
import { readPolicy } from '../../../../src/autoscaling/policy/read-policy.ts'

const fileAt = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')

/** `| \`name\` | default | meaning |` rows as [name, default]. */
const documented = (markdown: string, prefix: string): [string, string][] =>
  [...markdown.matchAll(/^\| `([^`|]+)` +\| ([^|]*) \|/gm)]
    .map(([, name = '', text = '']): [string, string] => [name, text.trim()])
    .filter(([name]) => name.startsWith(prefix))

const fieldTable = (prefix: string) => POLICY_FIELDS.map(({ name, defaultText }) => [`${prefix}${name}`, defaultText])

describe('the documentation of policies', () => {
  it('docs/labels.md has exactly the labels of the field table, with their defaults', () => {
    expect(documented(fileAt('docs/labels.md'), 'autoscaler.')).toEqual(fieldTable('autoscaler.'))
  })

  it('autoscalers/README.md has exactly the fields of the field table, with their defaults', () => {
    expect(documented(fileAt('autoscalers/README.md'), '')).toEqual(fieldTable(''))
  })

  const examples = readdirSync(new URL('../../../../autoscalers/', import.meta.url)).filter((name) =>
    name.endsWith('.example.yaml'),
  )
  const readme = /```yaml\n([\s\S]*?)```/.exec(fileAt('autoscalers/README.md'))?.[1] ?? ''
  const shipped = examples.map((name) => ({ name, text: fileAt(`autoscalers/${name}`) }))

  it('comes with examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(2)
  })

  it.each([...shipped, { name: 'the complete example of autoscalers/README.md', text: readme }])(
    '$name is a valid policy without any issue',
    ({ name, text }) => {
      const yaml = parsePolicyYaml(text)
      if (yaml.kind !== 'parsed') throw new Error(yaml.message)
      const { service, ...parsed } = yaml.value
      if (service === undefined) throw new Error('the example names no service')
      const file = { ...parsed, service, name: name.replace(/[^a-z].*$/, '') }
      const answer = readPolicy({ serviceName: service, labels: {}, file })
      expect(answer.issues).toEqual([])
      expect(answer.policy).toBeDefined()
    },
  )

  it.each([...fileAt('docs/labels.md').matchAll(/^ *labels:\n((?: +\S.*\n)+)/gm)].map(([, block = '']) => ({ block })))(
    'the labels of a stack in docs/labels.md are a valid policy without any issue: $block',
    ({ block }) => {
      const labels = [...block.matchAll(/^ +([a-z.-]+): "?([^"\n]*)"?$/gm)].map(([, name = '', text = '']) => [
        name,
        text,
      ])
      const answer = readPolicy({ serviceName: 'web', labels: Object.fromEntries(labels) })
      expect(answer.issues).toEqual([])
      expect(answer.policy).toBeDefined()
    },
  )
})
