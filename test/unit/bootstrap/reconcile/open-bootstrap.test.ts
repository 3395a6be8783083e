import { describe, expect, it, vi } from 'vitest'
import type { NetworkDefinition } from '../../../../src/bootstrap/definition/definition.ts'
import { openBootstrap } from '../../../../src/bootstrap/reconcile/open-bootstrap.ts'
import type { Progress } from '../../../../src/bootstrap/reconcile/progress.ts'
import { readyLabel } from '../../../../src/bootstrap/record/record.ts'
import { configOnly, definition, family } from '../../../support/builders/networks.ts'
import { modelledBootstrap } from '../model/network-ports.ts'

const opened = (defined: readonly NetworkDefinition[] = [definition()]) => {
  const model = modelledBootstrap(defined)
  model.cluster.join('manager1', 'manager')
  model.cluster.join('worker1')
  const told: Progress[] = []
  const bootstrap = openBootstrap(model)
  return { ...model, bootstrap, told, onProgress: (progress: Progress) => void told.push(progress) }
}
const inForce = async (defined?: readonly NetworkDefinition[]) => {
  const all = opened(defined)
  await all.whileOthersWork(all.bootstrap.apply({ mode: 'apply' }))
  all.writes.length = 0
  return all
}

describe('apply', () => {
  it('takes every step, tells each as it begins, waits and ends, and is done when all is as wanted', async () => {
    const { bootstrap, cluster, told, onProgress, whileOthersWork } = opened()
    const result = await whileOthersWork(bootstrap.apply({ mode: 'apply' }, onProgress))
    expect(result).toMatchObject({ outcome: 'done', reason: '', left: [], problems: [] })
    expect(result.done[0]).toMatch(/^vlan40: activate vlan40/)
    expect(told[0]).toMatchObject({ network: 'vlan40', step: 'write-record', state: 'begun' })
    expect(told).toContainEqual(expect.objectContaining({ node: 'worker1', step: 'wait', state: 'waiting' }))
    expect(told).toContainEqual(expect.objectContaining({ node: 'worker1', step: 'wait', state: 'done' }))
    expect(told).toContainEqual({
      network: 'vlan40',
      step: 'create-network',
      state: 'done',
      text: 'create the swarm network vlan40',
    })
    expect(cluster.swarmNetworks.has('vlan40')).toBe(true)
  })

  it('a second time is unchanged and writes nothing', async () => {
    const { bootstrap, writes, whileOthersWork } = await inForce()
    expect(await whileOthersWork(bootstrap.apply({ mode: 'apply' }))).toMatchObject({ outcome: 'unchanged', done: [] })
    expect(writes).toEqual([])
  })

  it('is refused as a whole, before anything is written, when anything is in the way', async () => {
    const other = definition({
      ...{ name: 'vlan50', configName: 'vlan50_config' },
      ipv4: family({
        subnet: '172.81.0.0/16',
        gateway: '172.81.0.1',
        pool: [{ first: '172.81.1.0', last: '172.81.1.255' }],
      }),
    })
    const { bootstrap, writes, turn } = opened([definition(), other])
    turn()
    const result = await bootstrap.apply({ mode: 'apply' })
    expect(result).toMatchObject({ outcome: 'refused', done: [], problems: [{ network: 'vlan50', code: 'no-range' }] })
    expect(result.left.some((step) => step.startsWith('vlan40: activate vlan40'))).toBe(true)
    expect(writes).toEqual([])
  })

  it('stops at the first failure, and says what is done and what is not', async () => {
    const { bootstrap, fail, told, onProgress, whileOthersWork, writes } = opened()
    fail('node worker1', { kind: 'rejected', message: 'forbidden by the proxy' })
    const result = await whileOthersWork(bootstrap.apply({ mode: 'apply' }, onProgress))
    expect(result.outcome).toBe('failed')
    expect(result.reason).toMatch(/^vlan40: label worker1 .*: forbidden by the proxy$/)
    expect(result.done.length).toBeGreaterThan(0)
    expect(result.left.some((step) => step.startsWith('vlan40: label worker1'))).toBe(true)
    expect(told.at(-1)).toMatchObject({ state: 'failed', node: 'worker1' })
    expect(writes.at(-1)).toBe('node worker1')
  })

  it('decides again when somebody wrote first', async () => {
    const { bootstrap, cluster, beforeEachWrite, whileOthersWork } = opened()
    let changes = 3
    beforeEachWrite((write) => {
      const node = [...cluster.nodes.values()].find(({ hostname }) => write === `node ${hostname}`)
      changes -= 1
      if (node !== undefined && changes >= 0)
        cluster.change(node.id, { labels: { ...node.labels, [`theirs.${changes}`]: 'x' } })
    })
    const result = await whileOthersWork(bootstrap.apply({ mode: 'apply' }))
    expect(result.outcome).toBe('done')
    for (const { labels } of cluster.nodes.values()) expect(labels[readyLabel('vlan40')]).toBe('ready')
    expect(
      [...cluster.nodes.values()].some(({ labels }) =>
        Object.keys(labels).some((label) => label.startsWith('theirs.')),
      ),
    ).toBe(true)
  })

  it('is finished by the next run, wherever the last one was killed', async () => {
    for (let survives = 0; ; survives += 1) {
      const { bootstrap, cluster, writes, whileOthersWork, beforeEachWrite } = opened()
      let left = survives
      beforeEachWrite(() => {
        left -= 1
        if (left < 0) throw new Error('killed')
      })
      const killed = await whileOthersWork(bootstrap.apply({ mode: 'apply' }))
      const next = modelledBootstrap([definition()], cluster)
      const result = await next.whileOthersWork(openBootstrap(next).apply({ mode: 'apply' }))
      expect(result.outcome).toMatch(/done|unchanged/)
      expect(cluster.harm).toEqual([])
      if (killed.outcome === 'failed') continue
      expect(writes.length).toBe(survives)
      return
    }
  })

  it('gives up when nothing changes any more, and says what it waits for', async () => {
    const { bootstrap, cluster, turn } = opened()
    cluster.machineOf('worker1').isAgentUp = false
    const timer = setInterval(turn, 5)
    const result = await bootstrap.apply({ mode: 'apply', patienceMs: 200_000 }).finally(() => clearInterval(timer))
    expect(result.outcome).toBe('waiting')
    expect(result.left).toContain(
      'vlan40: label worker1 ready (waits for the agent of worker1, which is not reporting)',
    )
    expect(cluster.swarmNetworks.has('vlan40')).toBe(true)
  })

  it('ends at once when it is called off', async () => {
    const { bootstrap, cluster } = opened()
    for (const hostname of ['manager1', 'worker1']) cluster.machineOf(hostname).isAgentUp = false
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 50)
    const result = await bootstrap.apply({ mode: 'apply', signal: stop.signal })
    expect(result).toMatchObject({ outcome: 'waiting', reason: 'It was cancelled.' })
  })

  it('throws nothing away when the Swarm cannot be read: it does not begin', async () => {
    const { bootstrap, state, writes } = opened()
    state.inSync = false
    await expect(bootstrap.apply({ mode: 'apply' })).rejects.toMatchObject({ code: 'not-in-sync' })
    expect(writes).toEqual([])
  })
})

describe('remove', () => {
  it('is refused while a service uses the network, by whatever name', async () => {
    const { bootstrap, state, cluster, writes } = await inForce()
    const id = cluster.swarmNetworks.get('vlan40')?.id ?? ''
    state.uses = [
      { id: '1', name: 'web', networks: [id] },
      { id: '2', name: 'api', networks: ['other', 'vlan40'] },
      { id: '3', name: 'none', networks: ['other'] },
    ]
    const result = await bootstrap.remove({ network: 'vlan40' })
    expect(result).toMatchObject({ outcome: 'refused', problems: [{ code: 'in-use' }] })
    expect(result.reason).toContain('api, web')
    expect(writes).toEqual([])
  })

  it('takes everything away that is ours, and nothing is left to remove afterwards', async () => {
    const { bootstrap, cluster, state, whileOthersWork } = await inForce()
    state.set = { files: [], issues: [] }
    const result = await whileOthersWork(bootstrap.remove({ network: 'vlan40' }))
    expect(result).toMatchObject({ outcome: 'done' })
    expect(result.done).toContain('vlan40: remove the swarm network vlan40')
    expect([cluster.records.size, cluster.swarmNetworks.size]).toEqual([0, 0])
    for (const { labels, hostname } of cluster.nodes.values()) {
      expect([labels, cluster.machineOf(hostname).configs]).toEqual([{}, []])
    }
    await expect(bootstrap.remove({ network: 'vlan40' })).rejects.toMatchObject({ code: 'unknown-network' })
  })

  it('of an uninstall leaves the record, so that no controller takes the definition up again', async () => {
    const { bootstrap, cluster, swarm, whileOthersWork, turn } = await inForce()
    const result = await whileOthersWork(bootstrap.remove({ network: 'vlan40', isLast: true }))
    expect(result).toMatchObject({ outcome: 'done', left: [] })
    expect(cluster.swarmNetworks.has('vlan40')).toBe(false)
    for (const node of cluster.nodes.values()) expect(node.labels).not.toHaveProperty(readyLabel('vlan40'))
    expect(swarm.records.all().get('vlan40')).toMatchObject({ phase: 'removing', uninstalling: true })
    turn()
    // As a controller with ORRERY_NETWORK_AUTO=true does.
    const keeper = await bootstrap.apply({ mode: 'auto' })
    expect(keeper).toMatchObject({ outcome: 'unchanged', done: [] })
    expect(await bootstrap.remove({ network: 'vlan40', isLast: true })).toMatchObject({ outcome: 'done', left: [] })
    // Thought better of: the ordinary removal ends it, and the definition counts again.
    await whileOthersWork(bootstrap.remove({ network: 'vlan40' }))
    expect(swarm.records.all().has('vlan40')).toBe(false)
  })

  it('is done when the record is gone, though reports of just before still show what was there', async () => {
    const model = await inForce()
    const before = model.reports.list()
    const current = () => (model.cluster.records.size === 0 ? before.slice(1) : model.reports.list())
    const reports = {
      ...model.reports,
      list: current,
      get: (id: string) => current().find(({ report }) => report.nodeId === id),
    }
    const bootstrap = openBootstrap({ ...model, reports })
    const result = await model.whileOthersWork(bootstrap.remove({ network: 'vlan40' }))
    expect(result).toMatchObject({ outcome: 'done', left: [], problems: [] })
  })

  it('of what is defined and not in force has nothing to do', async () => {
    const { bootstrap, writes } = opened()
    const result = await bootstrap.remove({ network: 'vlan40' })
    expect(result).toMatchObject({ outcome: 'unchanged', reason: 'No network vlan40 is active', left: [] })
    expect(writes).toEqual([])
  })

  it('waits for a node that is down, and goes on by itself when it is back', async () => {
    const { bootstrap, cluster, state, whileOthersWork } = await inForce()
    state.set = { files: [], issues: [] }
    const [, worker] = [...cluster.nodes.keys()]
    cluster.change(worker ?? '', { state: 'down' })
    const result = await whileOthersWork(bootstrap.remove({ network: 'vlan40', patienceMs: 100_000 }))
    expect(result.outcome).toBe('waiting')
    expect(result.left.join()).toContain('worker1, which is down')
    cluster.change(worker ?? '', { state: 'ready' })
    expect(await whileOthersWork(bootstrap.apply({ mode: 'keep' }))).toMatchObject({ outcome: 'done' })
    expect(cluster.records.size).toBe(0)
  })

  it('says at once what Swarm has to do first, and then goes on', async () => {
    const { bootstrap, cluster, state, told, onProgress, whileOthersWork, turn } = await inForce()
    state.set = { files: [], issues: [] }
    cluster.addTasks('vlan40', 2)
    turn()
    const removed = whileOthersWork(bootstrap.remove({ network: 'vlan40', patienceMs: 100_000_000 }, onProgress))
    await vi.waitFor(() =>
      expect(told).toContainEqual({
        ...{ network: 'vlan40', step: 'remove-network', state: 'waiting' },
        text: 'remove the swarm network vlan40: waits for the last task of service-vlan40',
      }),
    )
    cluster.tasks.length = 0
    expect(await removed).toMatchObject({ outcome: 'done' })
  })

  it('waits for an engine that still shows the network which Swarm has no more', async () => {
    const { bootstrap, state, fail, whileOthersWork } = await inForce()
    state.set = { files: [], issues: [] }
    for (let time = 0; time < 25; time += 1) fail('remove', { kind: 'gone' })
    const result = await whileOthersWork(bootstrap.remove({ network: 'vlan40', patienceMs: 100_000_000 }))
    expect(result).toMatchObject({ outcome: 'done', left: [] })
  })

  it('of a network that an engine never lets go ends, and says so', async () => {
    const { bootstrap, state, fail, whileOthersWork } = await inForce()
    state.set = { files: [], issues: [] }
    for (let time = 0; time < 5_000; time += 1) fail('remove', { kind: 'gone' })
    const result = await whileOthersWork(bootstrap.remove({ network: 'vlan40' }))
    expect(result).toMatchObject({ outcome: 'waiting' })
    expect(result.left).toContain('vlan40: remove the swarm network vlan40')
  })

  it('ends soon where only a person can go on, and says on which node and why', async () => {
    const { bootstrap, cluster, state, whileOthersWork } = await inForce()
    state.set = { files: [], issues: [] }
    Object.assign(cluster.machineOf('worker1'), { fault: 'the engine counts a use', faultCode: 'engine-keeps' })
    const result = await whileOthersWork(bootstrap.remove({ network: 'vlan40' }))
    expect(result).toMatchObject({
      outcome: 'waiting',
      reason: expect.stringContaining('Nothing has changed for 15 s'),
    })
    expect(result.left.join()).toContain('worker1: the engine counts a use')
    Object.assign(cluster.machineOf('worker1'), { fault: undefined })
    expect(await whileOthersWork(bootstrap.remove({ network: 'vlan40' }))).toMatchObject({ outcome: 'done', left: [] })
  })

  it('is refused while a node is being changed', async () => {
    const { bootstrap, state, cluster } = await inForce()
    state.set = { files: [], issues: [] }
    const { record } = cluster.records.get('vlan40') ?? {}
    if (record === undefined) throw new Error('no record')
    const [allocation] = [...record.allocations.values()]
    if (allocation === undefined) throw new Error('no allocation')
    const change = {
      range: '172.80.9.0/24',
      parent: 'bond0.40',
      availabilityBefore: 'active',
      stage: 'waiting',
      startedAtMs: 1,
    } as const
    const allocations = new Map([...record.allocations, [allocation.nodeId, { ...allocation, change }]])
    cluster.take({ network: 'vlan40', do: 'write-record', text: '', basis: record, record: { ...record, allocations } })
    expect(await bootstrap.remove({ network: 'vlan40' })).toMatchObject({
      outcome: 'refused',
      problems: [{ code: 'in-use' }],
    })
  })
})

describe('adopt', () => {
  const handMade = (range: string, over: object = {}) =>
    configOnly(range, { labels: {}, options: { parent: 'bond0.40' }, ...over })

  const byHand = (change: (range: string) => object = () => ({})) => {
    const all = opened()
    const { cluster } = all
    cluster.machineOf('manager1').configs.push(handMade('172.80.7.0/24', change('172.80.7.0/24')))
    cluster.machineOf('worker1').configs.push(handMade('172.80.8.0/24', change('172.80.8.0/24')))
    const made = {
      id: 'theirs',
      name: 'vlan40',
      driver: 'macvlan',
      scope: 'swarm',
      configOnly: false,
      configFrom: 'vlan40_config',
    }
    cluster.swarmNetworks.set('vlan40', { ...made, labels: {}, options: {}, subnets: [] })
    all.turn()
    return all
  }

  it('takes over what equals the definition, with the ranges there are, and makes nothing anew', async () => {
    const { bootstrap, cluster, whileOthersWork } = byHand()
    const before = structuredClone([cluster.machineOf('manager1').configs, cluster.machineOf('worker1').configs])
    const result = await whileOthersWork(bootstrap.adopt({ network: 'vlan40' }))
    expect(result).toMatchObject({ outcome: 'done', left: [] })
    const { record } = cluster.records.get('vlan40') ?? {}
    expect([...(record?.allocations.values() ?? [])]).toMatchObject([
      { hostname: 'manager1', range: '172.80.7.0/24', isAdopted: true, aux: {} },
      { hostname: 'worker1', range: '172.80.8.0/24', isAdopted: true, aux: {} },
    ])
    expect(record?.isAdopted).toBe(true)
    expect([cluster.machineOf('manager1').configs, cluster.machineOf('worker1').configs]).toEqual(before)
    expect(cluster.swarmNetworks.get('vlan40')?.id).toBe('theirs')
    for (const { labels } of cluster.nodes.values()) expect(labels[readyLabel('vlan40')]).toBe('ready')
    expect(await bootstrap.apply({ mode: 'apply' })).toMatchObject({ outcome: 'unchanged' })
  })

  it('has no shim where no address was held back for it, and says how many addresses there are', async () => {
    const { bootstrap, whileOthersWork } = byHand()
    const { plan } = await whileOthersWork(bootstrap.adopt({ network: 'vlan40' }))
    for (const node of plan.networks[0]?.nodes ?? []) {
      expect(node).toMatchObject({ capacity: 256, action: 'keep' })
      expect(node).not.toHaveProperty('shim')
    }
  })

  it('says of a node without a shim how to get one, and what it says does that', async () => {
    const { bootstrap, cluster, state, whileOthersWork } = byHand()
    const { done } = await whileOthersWork(bootstrap.adopt({ network: 'vlan40' }))
    expect(done.join()).toContain('worker1 has no shim')
    expect(done.join()).toContain(
      'pin another range for worker1 (`nodes`) and run `orrery network apply --allow-drain`',
    )
    const pinned = definition({ ipv4: { ...definition().ipv4, pins: { worker1: '172.80.9.0/24' } } })
    state.set = { files: [{ file: 'vlan40.yaml', definition: pinned }], issues: [] }
    const { plan } = await whileOthersWork(bootstrap.apply({ mode: 'apply', allowDrain: true }))
    const worker = plan.networks[0]?.nodes.find(({ hostname }) => hostname === 'worker1')
    expect(worker).toMatchObject({ range: '172.80.9.0/24', shim: '172.80.9.1' })
    expect(cluster.machineOf('worker1').configs).toMatchObject([{ subnets: [{ range: '172.80.9.0/24' }] }])
  })

  it('takes what was held back for the host as its shim, whatever it was called', async () => {
    const { bootstrap, cluster, whileOthersWork } = byHand((range) =>
      subnets(range, { aux: { host: range.replace('.0/24', '.9') } }),
    )
    const { plan, done } = await whileOthersWork(bootstrap.adopt({ network: 'vlan40' }))
    expect(done.join()).not.toContain('has no shim')
    expect(plan.networks[0]?.nodes).toMatchObject([{ shim: '172.80.7.9' }, { shim: '172.80.8.9' }])
    expect(cluster.records.get('vlan40')?.record.allocations.size).toBe(2)
  })

  const subnets = (range: string, over: object) => ({
    subnets: [{ subnet: '172.80.0.0/16', range, gateway: '172.80.0.1', aux: {}, ...over }],
  })
  const different = [
    {
      name: 'another gateway',
      change: (range: string) => subnets(range, { gateway: '172.80.0.9' }),
      says: 'gateway is 172.80.0.9',
    },
    { name: 'another parent', change: () => ({ options: { parent: 'eth7' } }), says: 'parent is eth7' },
    {
      name: 'another mode',
      change: () => ({ options: { parent: 'bond0.40', macvlan_mode: 'private' } }),
      says: 'macvlan_mode is private',
    },
    {
      name: 'another subnet',
      change: (range: string) => subnets(range, { subnet: '172.80.0.0/17' }),
      says: 'subnet is 172.80.0.0/17',
    },
    {
      name: 'a range outside the pool',
      change: () => subnets('172.80.250.0/24', {}),
      says: '172.80.250.0/24 is not in the pool',
    },
    { name: 'the same range twice', change: () => subnets('172.80.5.0/24', {}), says: 'has 172.80.5.0/24' },
    {
      name: 'no range',
      change: () => ({ subnets: [{ subnet: '172.80.0.0/16', gateway: '172.80.0.1', aux: {} }] }),
      says: 'no range',
    },
  ]
  it.each(different)('is refused for $name, and says so of each node', async ({ change, says }) => {
    const { bootstrap, writes } = byHand(change)
    const result = await bootstrap.adopt({ network: 'vlan40' })
    expect(result.outcome).toBe('refused')
    expect(result.reason).toContain(says)
    for (const hostname of ['manager1', 'worker1']) expect(result.reason).toContain(hostname)
    expect(writes).toEqual([])
  })

  it('is refused while it is not known what every node has', async () => {
    const { bootstrap, cluster, writes } = byHand()
    cluster.forgetReports()
    expect(await bootstrap.adopt({ network: 'vlan40' })).toMatchObject({ outcome: 'refused' })
    expect(writes).toEqual([])
  })

  it('has nothing to take over where nothing was made by hand', async () => {
    const { bootstrap, turn } = opened()
    turn()
    const result = await bootstrap.adopt({ network: 'vlan40' })
    expect(result).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('orrery network apply') })
    await expect(bootstrap.adopt({ network: 'other' })).rejects.toMatchObject({ code: 'unknown-network' })
  })
})

describe('release', () => {
  it('makes a freed range free before its time, and nothing else', async () => {
    const { bootstrap, cluster, whileOthersWork } = await inForce()
    const [, worker] = [...cluster.nodes.keys()]
    cluster.leave(worker ?? '')
    await whileOthersWork(bootstrap.apply({ mode: 'keep' }))
    const freed = () => cluster.records.get('vlan40')?.record.freed.map(({ range }) => range)
    expect(freed()).toEqual(['172.80.2.0/24'])
    expect(await bootstrap.release({ network: 'vlan40', range: '172.80.1.0/24' })).toMatchObject({
      ...{ outcome: 'refused', reason: expect.stringContaining('172.80.2.0/24') },
    })
    expect(await bootstrap.release({ network: 'vlan40', range: '172.80.2.0/24' })).toMatchObject({ outcome: 'done' })
    expect(freed()).toEqual([])
    await expect(bootstrap.release({ network: 'other', range: '172.80.2.0/24' })).rejects.toMatchObject({
      code: 'unknown-network',
    })
  })
})
