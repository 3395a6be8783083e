import { describe, expect, it, onTestFinished } from 'vitest'
import { connectInstallation, ROLE_LABEL } from '../../../../src/adapters/swarm/installation/installation.ts'
import { read, tableBelow } from '../../../unit/docs/markdown.ts'
import { fakeEngine } from '../swarm-fixture.ts'

const NAMESPACE = 'com.docker.stack.namespace'
const named = (parts: readonly { readonly name: string }[]) => parts.map(({ name }) => name).sort()

async function installed() {
  const engine = await fakeEngine()
  const called = new Set<string>()
  const installation = connectInstallation({ host: engine.host }, ({ method, endpoint }) =>
    called.add(`${method} ${endpoint}`),
  )
  onTestFinished(installation.close)
  const Mounts = [
    { Type: 'volume', Source: 'orrery_agent', Target: '/var/lib/orrery' },
    { Type: 'bind', Source: '/var/run/docker.sock', Target: '/var/run/docker.sock' },
  ]
  const agent = engine.addService({
    name: 'orrery_agent',
    labels: { [ROLE_LABEL]: 'agent', [NAMESPACE]: 'orrery' },
    spec: { TaskTemplate: { ContainerSpec: { Image: 'orrery', Mounts } } },
  })
  const web = engine.addService({
    name: 'web',
    labels: { 'autoscaler.enable': 'true', 'autoscaler.state': '{}' },
    spec: { Big: 9007199254740993n, TaskTemplate: { Networks: [{ Target: 'vlan40' }] } },
  })
  engine.addService({ name: 'shop', labels: { 'autoscaler.enable': 'true', [NAMESPACE]: 'orrery' } })
  for (const name of ['orrery-state', 'orrery-alerts', 'orrery-network-vlan40', 'orrery-notes', 'other'])
    engine.setConfig(name, {})
  engine.setConfig('network-vlan40-1', { [ROLE_LABEL]: 'definition' })
  const node = engine.addNode({
    hostname: 'worker1',
    labels: {
      'orrery.network.vlan40': 'ready',
      'orrery.network.vlan40.range': '10.40.1.0/24',
      'orrery.network.vlan40.else': 'x',
      'orrery.parent.vlan40': 'eth1',
      zone: 'a',
    },
  })
  const secrets = [
    { ID: 's1', Spec: { Name: 'orrery-tokens', Labels: { [ROLE_LABEL]: 'tokens' } } },
    { ID: 's2', Spec: { Name: 'password', Labels: {} } },
  ]
  engine.inject('GET /secrets', { body: JSON.stringify(secrets) }, 5)
  return { engine, installation, called, agent, web, node }
}

describe('what is Orrery’s in a Swarm', () => {
  it('is known by the label orrery.role and by its own names, and by nothing else', async () => {
    const { installation } = await installed()
    const { services, configs, secrets, labelled, volumes, operatorLabels, users } = await installation.look()
    expect(named(services)).toEqual(['orrery_agent'])
    expect(named(configs)).toEqual(['network-vlan40-1', 'orrery-alerts', 'orrery-network-vlan40', 'orrery-state'])
    expect(named(secrets)).toEqual(['orrery-tokens'])
    expect(volumes).toEqual(['orrery_agent'])
    expect(operatorLabels).toEqual(['worker1 orrery.parent.vlan40'])
    expect([...users]).toEqual([['vlan40', ['web']]])
    expect(labelled.map(({ name, labels }) => [name, labels])).toEqual([
      ['web', ['autoscaler.state']],
      ['worker1', ['orrery.network.vlan40', 'orrery.network.vlan40.range']],
    ])
  })

  it('is taken away by writes that change nothing else, with the calls that docs/operations.md lists', async () => {
    const { engine, installation, called, agent, web, node } = await installed()
    const { labelled, configs, secrets } = await installation.look()
    for (const one of labelled) expect(await installation.unlabel(one)).toEqual({ kind: 'committed' })
    expect(engine.service(web)?.Spec).toMatchObject({ Name: 'web', Labels: { 'autoscaler.enable': 'true' } })
    expect(String((engine.service(web) as unknown as { Spec: { Big: unknown } }).Spec.Big)).toBe('9007199254740993')
    expect(Object.keys((engine.node(node) as unknown as { Spec: { Labels: object } }).Spec.Labels)).toEqual([
      'orrery.network.vlan40.else',
      'orrery.parent.vlan40',
      'zone',
    ])
    for (const { id } of configs) expect(await installation.remove('config', id)).toEqual({ kind: 'committed' })
    expect(await installation.remove('config', configs[0]?.id ?? '')).toEqual({ kind: 'gone' })
    engine.inject('DELETE /secrets/s1', { status: 204, body: '' })
    expect(await installation.remove('secret', secrets[0]?.id ?? '')).toEqual({ kind: 'committed' })
    engine.inject(`DELETE /services/${agent}`, { body: '' })
    expect(await installation.remove('service', agent)).toEqual({ kind: 'committed' })
    await installation.running([agent])
    const rows = tableBelow(read('docs/operations.md'), 'What uninstall asks')
    const documented = rows.map(([method = '', path = '']) => `${method} ${path}`.replaceAll('`', ''))
    expect([...called].sort()).toEqual(documented.sort())
  })

  it('is not touched where it changed since it was looked at', async () => {
    const { engine, installation, web } = await installed()
    const [service] = (await installation.look()).labelled
    engine.changeService(web, (spec) => ({ ...spec, Mode: { Replicated: { Replicas: 7 } } }))
    expect(await installation.unlabel(service ?? expect.fail())).toEqual({ kind: 'conflict' })
    expect(engine.replicas(web)).toBe(7)
  })

  it('stays while a rollout would be resumed, or tasks evicted', async () => {
    const { engine, installation, web } = await installed()
    const inUse = async () => (await installation.look()).labelled.map(({ isInUse }) => isInUse)
    expect(await inUse()).toEqual([false, false])
    engine.setUpdateStatus(web, 'paused')
    engine.putNetwork({ Name: 'vlan40', Scope: 'swarm' })
    expect(await inUse()).toEqual([true, true])
    engine.setUpdateStatus(web, 'rollback_completed')
    expect(await inUse()).toEqual([false, true])
  })

  it('counts tasks that have not ended, whatever is wanted of them', async () => {
    const { engine, installation, agent } = await installed()
    engine.putTask({ id: 't1', serviceId: agent, desiredState: 'remove', state: 'running' })
    engine.putTask({ id: 't2', serviceId: agent, desiredState: 'remove', state: 'shutdown' })
    engine.putTask({ id: 't3', serviceId: 'another' })
    expect(await installation.running([agent])).toBe(1)
    expect(await installation.running([])).toBe(0)
  })

  it('is not taken for nothing when the engine cannot be read', async () => {
    const { engine, installation } = await installed()
    engine.inject('GET /configs', { status: 500, message: 'The swarm does not have a leader.' })
    await expect(installation.look()).rejects.toMatchObject({ code: 'engine-unavailable' })
  })
})
