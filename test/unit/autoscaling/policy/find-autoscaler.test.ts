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
  return { swarm, services: swarm.services, policies: createPolicies({ services: swarm.services, files }) }
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
