import { describe, expect, it } from 'vitest'
import { eventually, fakeEngine, inSync, sleep, swarmOn } from '../swarm-fixture.ts'

const CONFIG = {
  ...{ Name: 'vlan40_config', ConfigOnly: true, Driver: 'null', Labels: { 'orrery.network': 'vlan40' } },
  Options: { parent: 'bond0.40' },
  IPAM: {
    Config: [
      {
        ...{ Subnet: '172.80.0.0/16', IPRange: '172.80.1.0/24', Gateway: '172.80.0.1' },
        AuxiliaryAddresses: { 'orrery-first': '172.80.1.0' },
      },
    ],
  },
}

const connected = async () => {
  const engine = await fakeEngine()
  engine.putNetwork(CONFIG)
  const { bootstrap } = await inSync(swarmOn(engine.host))
  bootstrap.activate()
  await eventually(() => bootstrap.sync().inSync)
  await sleep(10)
  engine.forgetCalls()
  return { engine, networks: bootstrap.networks }
}
const wish = { name: 'vlan40', driver: 'macvlan', configFrom: 'vlan40_config' }

describe('the networks of the engine', () => {
  it('are in memory with what they are made of', async () => {
    const { networks } = await connected()
    expect(networks.current()).toMatchObject([
      {
        ...{ name: 'vlan40_config', configOnly: true, driver: 'null', scope: 'local', options: { parent: 'bond0.40' } },
        subnets: [
          {
            subnet: '172.80.0.0/16',
            range: '172.80.1.0/24',
            gateway: '172.80.0.1',
            aux: { 'orrery-first': '172.80.1.0' },
          },
        ],
      },
    ])
    expect(await networks.engine()).toEqual({ version: '28.5.1', nodeId: 'manager' })
  })

  it('are read again when one comes or goes', async () => {
    const { engine, networks } = await connected()
    const id = engine.putNetwork({ Name: 'another' })
    await eventually(() => networks.current().some(({ name }) => name === 'another'))
    engine.removeNetwork(id)
    await eventually(() => networks.current().length === 1)
    expect(engine.count('GET /info')).toBe(0)
  })

  it('are made from a config-only network, for the whole Swarm, and removed by id', async () => {
    const { engine, networks } = await connected()
    expect(await networks.create(wish)).toEqual({ kind: 'committed' })
    const sent = engine.calls.find(({ endpoint }) => endpoint === 'POST /networks/create')
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      ...{ Name: 'vlan40', Driver: 'macvlan', Scope: 'swarm', CheckDuplicate: true },
      ConfigFrom: { Network: 'vlan40_config' },
    })
    const made = (await networks.read()).find(({ name }) => name === 'vlan40')
    expect(made).toMatchObject({ scope: 'swarm', configFrom: 'vlan40_config' })
    expect(await networks.remove(made?.id ?? '')).toEqual({ kind: 'committed' })
    expect(await networks.remove(made?.id ?? '')).toEqual({ kind: 'gone' })
  })

  const refused = [
    {
      name: 'somebody made it first',
      fault: { status: 409, message: 'network with name vlan40 already exists' },
      kind: 'conflict',
    },
    {
      name: 'the config-only network is not there',
      fault: { status: 404, message: 'network vlan40_config not found' },
      kind: 'rejected',
    },
    { name: 'the engine says no', fault: { status: 403, message: 'not supported' }, kind: 'rejected' },
    { name: 'nothing answers', fault: { hang: 'after' as const }, kind: 'unknown' },
  ]
  it.each(refused)('are not made, when $name: $kind', async ({ fault, kind }) => {
    const { engine, networks } = await connected()
    engine.inject('POST /networks/create', fault)
    expect(await networks.create(wish)).toMatchObject({ kind })
  })

  it('are not removed while a service uses them, and the engine says which', async () => {
    const { engine, networks } = await connected()
    const message = 'rpc error: code = FailedPrecondition desc = network abc is in use by service def'
    engine.inject('DELETE /networks/{id}', { status: 400, message })
    expect(await networks.remove('abc')).toMatchObject({ kind: 'rejected', message: expect.stringContaining('in use') })
  })
})
