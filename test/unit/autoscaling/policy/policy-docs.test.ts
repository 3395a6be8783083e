import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parsePolicyYaml } from '../../../../src/adapters/files/parse-policy-yaml.ts'
import { POLICY_FIELDS } from '../../../../src/autoscaling/policy/policy-fields.ts'
import { readPolicy } from '../../../../src/autoscaling/policy/read-policy.ts'
import { blocksOf } from '../../docs/markdown.ts'

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

  type Stack = { services?: Record<string, { deploy?: Deploy }>; deploy?: Deploy }
  type Deploy = { labels?: Record<string, unknown> }
  const stacks = blocksOf(fileAt('docs/labels.md')).flatMap(({ language, text }) =>
    language === 'yaml' ? [{ text, stack: parse(text, { merge: true }) as Stack }] : [],
  )

  it.each(stacks)(
    'the labels of a stack in docs/labels.md are a valid policy without any issue: $text',
    ({ stack }) => {
      const deploys = [stack.deploy, ...Object.values(stack.services ?? {}).map(({ deploy }) => deploy)]
      const sets = deploys.flatMap((deploy) => (deploy?.labels === undefined ? [] : [deploy.labels]))
      expect(sets.length).toBeGreaterThan(0)
      for (const labels of sets) {
        const texts = Object.entries(labels).map(([name, value]) => [name, `${value}`])
        const answer = readPolicy({ serviceName: 'web', labels: Object.fromEntries(texts) })
        expect(answer.issues).toEqual([])
        expect(answer.policy).toBeDefined()
      }
    },
  )
})
