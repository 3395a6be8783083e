import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { read } from './markdown.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}
interface Alertmanager {
  readonly route: { readonly routes: readonly Record<string, unknown>[] }
  readonly receivers: readonly {
    readonly name: string
    readonly webhook_configs?: readonly Record<string, unknown>[]
  }[]
}

const example = (file: string): unknown => parse(read(`docs/examples/alertmanager/${file}`))
const rules = (example('rules.yml') as Rules).groups.flatMap((group) => group.rules)
const alertmanager = example('alertmanager.yml') as Alertmanager
const orrery = alertmanager.receivers.find(({ name }) => name === 'orrery')?.webhook_configs ?? []

describe("Alertmanager's example files", () => {
  it('the alerts say what they are for', () => {
    expect(rules.map(({ labels }) => labels.scale)).toEqual(['up', 'down'])
    for (const { expr } of rules) expect(expr).toContain('by (service)')
  })

  it('one group for each service and direction, told to the route for Alertmanager, resolved alerts too', () => {
    expect(alertmanager.route.routes).toMatchObject([{ receiver: 'orrery', group_by: ['service', 'scale'] }])
    expect(orrery).toMatchObject([{ url: 'http://manager1:8000/v1/webhook/alertmanager', send_resolved: true }])
  })
})

describe('the five-minute path of the README', () => {
  const section = /### Alerts in five minutes\n([\s\S]*?)(?=\n##)/.exec(read('README.md'))?.[1] ?? ''
  const blocks = [...section.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = '']) => parse(block))

  it('is labels, rules and a receiver', () => {
    expect(blocks).toHaveLength(3)
  })

  it('has the rules of the example, without what is not needed', () => {
    const shown = (blocks[1] as Rules).groups.flatMap((group) => group.rules)
    expect(shown.map(({ alert }) => alert)).toEqual(rules.map(({ alert }) => alert))
    for (const [index, rule] of shown.entries()) expect(rules[index]).toMatchObject(rule)
  })

  it('has the receiver of the example, without what is not needed', () => {
    const { route, receivers } = blocks[2] as Alertmanager
    expect(alertmanager.route.routes).toMatchObject(route.routes)
    expect(alertmanager.receivers.filter(({ name }) => name === 'orrery')).toMatchObject(receivers)
  })
})
