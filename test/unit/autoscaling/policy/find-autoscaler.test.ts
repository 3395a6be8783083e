import { describe, expect, it } from 'vitest'
import { createPolicies } from '../../../../src/autoscaling/policy/policies.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'
import { createMemorySwarm } from '../../../support/swarm/services.ts'

function swarmOf(...services: { name: string; labels?: Record<string, string> }[]) {
  const swarm = createMemorySwarm(() => NOW)
  for (const { name, labels } of services) {
    swarm.add({ id: `id-${name}`, name, labels: labels ?? { 'autoscaler.enable': 'true', 'autoscaler.max': '5' } })
  }
  const files = { list: () => [], problems: () => [], onChange: () => () => {} }
  const said: { level: string; event: unknown; text: string }[] = []
  const say = (level: string) => (fields: object, text: string) =>
    void said.push({ level, event: Reflect.get(fields, 'event'), text })
  const logger = { warn: say('warn'), info: say('info') } as never
  return {
    swarm,
    said,
    services: swarm.services,
    policies: createPolicies({ services: swarm.services, files, logger }),
  }
}

const unknown = (message: RegExp) =>
  expect.objectContaining({ code: 'unknown-autoscaler', message: expect.stringMatching(message) })

describe('an autoscaler by its service', () => {
  it('is found by the exact name of the service, whatever the autoscaler is named', () => {
    const labels = { 'autoscaler.enable': 'true', 'autoscaler.max': '5', 'autoscaler.name': 'shop' }
    const deps = swarmOf({ name: 'web-admin' }, { name: 'web', labels })
    expect(deps.policies.findByService('web')).toMatchObject({
      observation: { id: 'id-web' },
      reading: { name: 'shop' },
    })
  })

  it.each(['shop', 'we', 'id-web', 'WEB', ''])('%j is none', (name) => {
    const labels = { 'autoscaler.enable': 'true', 'autoscaler.max': '5', 'autoscaler.name': 'shop' }
    expect(() => swarmOf({ name: 'web', labels }).policies.findByService(name)).toThrow(unknown(/no service is named/))
  })

  it('is not there for a service without a policy, and the label that is missing is named', () => {
    const deps = swarmOf({ name: 'web', labels: {} })
    expect(() => deps.policies.findByService('web')).toThrow(unknown(/no scaling policy.*autoscaler\.enable=true/))
  })

  it('is not said to be missing while the Swarm cannot be read', () => {
    const deps = swarmOf()
    deps.swarm.setSync({ inSync: false, reason: 'no leader' })
    expect(() => deps.policies.findByService('web')).toThrow(expect.objectContaining({ code: 'not-in-sync' }))
  })
})

describe('labels that have no effect', () => {
  it.each([
    { labels: { 'autoscaler.enable': 'yes' }, says: /autoscaler\.enable: "yes" is not/ },
    { labels: { 'autoscaler.enable': 'True' }, says: /"True"/ },
    { labels: { 'autoscaler.enable': '"true"' }, says: /autoscaler\.enable: .*\\"true\\"/ },
    { labels: { 'autoscaler.enable': 'true ' }, says: /"true "/ },
    {
      labels: { 'autoscaler.enable ': 'true' },
      says: /autoscaler\.enable : unknown field.*did you mean autoscaler\.enable/,
    },
    { labels: { 'autoscaler.Enable': 'true' }, says: /did you mean autoscaler\.enable/ },
    { labels: { ' autoscaler.enable': 'true' }, says: /the key " autoscaler\.enable" is not read/ },
    { labels: { 'autoscaler .enable': 'true' }, says: /the key "autoscaler \.enable" is not read/ },
    { labels: { 'Autoscaler.enable': 'true' }, says: /the key "Autoscaler\.enable" is not read/ },
    { labels: { '"autoscaler.enable"': 'true' }, says: /must be autoscaler\.enable, with no blank, quote or capital/ },
    { labels: { 'autoscaler.max': '5' }, says: /autoscaler\.enable: missing/ },
    { labels: { 'autoscaler.enable': 'false' }, says: /autoscaler\.enable is "false"/, isMeant: true },
  ])('$labels: the 404 names them, and the log says it once', ({ labels, says, isMeant = false }) => {
    const { policies, said, swarm } = swarmOf({ name: 'web', labels })
    expect(() => policies.find('web')).toThrow(unknown(says))
    swarm.change('id-web', { version: 200, replicas: 9 })
    const warnings = said.filter(({ level }) => level === 'warn')
    expect(warnings.length > 0).toBe(!isMeant)
    expect(new Set(warnings.map(({ text }) => text)).size).toBe(warnings.length)
    for (const { event, text } of warnings) {
      expect(event).toBe('policy-issue')
      expect(text).toMatch(/^web: /)
    }
    expect([...policies.unheeded()].map(({ observation }) => observation.name)).toEqual(isMeant ? [] : ['web'])
    swarm.change('id-web', { labels: { 'autoscaler.enable': 'true', 'autoscaler.max': '5' } })
    expect(policies.find('web').reading.policy).toBeDefined()
    expect([...policies.unheeded()]).toEqual([])
    expect(said.filter(({ event }) => event === 'policy-issue-over')).toHaveLength(warnings.length)
  })

  it('of two services with one name are told of both, and over when one goes', () => {
    const labels = { 'autoscaler.enable': 'true', 'autoscaler.max': '5', 'autoscaler.name': 'one' }
    const { said, swarm } = swarmOf({ name: 'a', labels }, { name: 'b', labels })
    expect(said.map(({ text }) => text.slice(0, 3)).sort()).toEqual(['a: ', 'b: '])
    swarm.change('id-b', { labels: { ...labels, 'autoscaler.name': 'other' } })
    expect(said.slice(2)).toMatchObject([{ event: 'policy-issue-over' }, { event: 'policy-issue-over' }])
  })
})
