import { describe, expect, it } from 'vitest'
import type { NetworkRecord } from '../../../../src/bootstrap/record/record.ts'
import { recordCodec } from '../../../../src/bootstrap/record/record-codec.ts'
import { allocation, definition, record } from '../../../support/builders/networks.ts'
import { eventually, fakeEngine, inSync, sleep, swarmOn } from '../swarm-fixture.ts'

const labelsOf = (of: NetworkRecord) => recordCodec.encode(of, {})
const inForce = record({ allocations: new Map([['id-worker1', allocation('worker1', '172.80.1.0/24')]]) })
const phase = (next: NetworkRecord['phase']) => (before: NetworkRecord | undefined) =>
  before && { ...before, phase: next }

const connected = async (configs: Record<string, Readonly<Record<string, string>>> = {}) => {
  const engine = await fakeEngine()
  for (const [name, labels] of Object.entries(configs)) engine.setConfig(name, labels)
  const { bootstrap } = await inSync(swarmOn(engine.host))
  await sleep(20)
  engine.forgetCalls()
  return { engine, bootstrap, records: bootstrap.records }
}

describe('the records of networks', () => {
  it('are the configs of their names, and no other', async () => {
    const { records } = await connected({
      'orrery-network-vlan40': labelsOf(inForce),
      'orrery-networks': { a: 'b' },
      'orrery-state': {},
    })
    expect([...records.all().keys()]).toEqual(['vlan40'])
    expect(records.all().get('vlan40')?.allocations.get('id-worker1')?.range).toBe('172.80.1.0/24')
  })

  it('that cannot be understood are told apart, and never written over', async () => {
    const { engine, records } = await connected({ 'orrery-network-vlan40': { definition: '{' } })
    expect(records.all().size).toBe(0)
    expect(records.unreadable().get('vlan40')).toContain('definition')
    await expect(records.update('vlan40', () => inForce)).rejects.toMatchObject({ code: 'write-rejected' })
    expect(engine.calls.filter(({ endpoint }) => !endpoint.startsWith('GET'))).toEqual([])
  })

  it('begin, change and end with a write each', async () => {
    const { engine, records } = await connected()
    await records.update('vlan40', () => inForce)
    expect(records.all().get('vlan40')).toEqual(inForce)
    await records.update('vlan40', phase('removing'))
    expect(records.all().get('vlan40')?.phase).toBe('removing')
    await records.update('vlan40', () => undefined)
    expect([records.all().size, engine.config('orrery-network-vlan40')]).toEqual([0, undefined])
    const writes = engine.calls.map(({ endpoint }) => endpoint).filter((endpoint) => !endpoint.startsWith('GET'))
    expect(writes).toEqual(['POST /configs/create', 'POST /configs/{id}/update', 'DELETE /configs/{id}'])
  })

  it('are not written when nothing changes, nor removed where there is none', async () => {
    const { engine, records } = await connected({ 'orrery-network-vlan40': labelsOf(inForce) })
    await records.update('vlan40', (before) => before)
    await records.update('vlan40', () => inForce)
    await records.update('other', () => undefined)
    expect(engine.calls.filter(({ endpoint }) => !endpoint.startsWith('GET'))).toEqual([])
  })

  it('of one network change without touching another', async () => {
    const other = { ...inForce, definition: definition({ name: 'vlan50' }) }
    const { engine, records } = await connected({ 'orrery-network-vlan40': labelsOf(inForce) })
    await Promise.all([records.update('vlan50', () => other), records.update('vlan40', phase('removing'))])
    expect(records.all().get('vlan50')).toEqual(other)
    expect(engine.config('orrery-network-vlan40')?.labels).toEqual(labelsOf({ ...inForce, phase: 'removing' }))
  })

  it('lose no update of two controllers that write at once, from the very first', async () => {
    const engine = await fakeEngine()
    const both = await Promise.all([inSync(swarmOn(engine.host)), inSync(swarmOn(engine.host))])
    await Promise.all(
      both.map(({ bootstrap }, at) =>
        bootstrap.records.update('vlan40', (before = record()) => {
          const one = allocation(`worker${at}`, `172.80.${at + 1}.0/24`)
          return { ...before, allocations: new Map([...before.allocations, [one.nodeId, one]]) }
        }),
      ),
    )
    for (const { bootstrap } of both) {
      await eventually(() => bootstrap.records.all().get('vlan40')?.allocations.size === 2)
    }
  })

  it('are decided again before they are removed, when somebody changed them', async () => {
    const { engine, records } = await connected({
      'orrery-network-vlan40': labelsOf({ ...inForce, phase: 'removing' }),
    })
    engine.muteEvents(true)
    engine.setConfig('orrery-network-vlan40', labelsOf(inForce))
    await records.update('vlan40', (before) => (before?.phase === 'removing' ? undefined : before))
    expect(engine.config('orrery-network-vlan40')?.labels).toEqual(labelsOf(inForce))
  })

  it('follow what others write and remove', async () => {
    const { engine, records } = await connected()
    let told = 0
    records.onChange(() => {
      told += 1
    })
    engine.setConfig('orrery-network-vlan40', labelsOf(inForce))
    await eventually(() => records.all().has('vlan40'))
    engine.removeConfig('orrery-network-vlan40')
    await eventually(() => !records.all().has('vlan40'))
    expect(told).toBe(2)
  })
})

describe('the revision', () => {
  it('is the highest version of any config of ours, and never falls', async () => {
    const { engine, records } = await connected({
      'orrery-state': {},
      'orrery-network-vlan40': labelsOf(inForce),
      unrelated: {},
    })
    const before = records.revision()
    expect(records.revisionOf('vlan40')).toBe(before)
    engine.setConfig('orrery-alerts', { a: 'b' })
    await records.refresh()
    expect(records.revision()).toBeGreaterThan(before)
    const highest = records.revision()
    engine.removeConfig('orrery-alerts')
    await records.refresh()
    expect(records.revision()).toBe(highest)
    expect(records.revisionOf('vlan40')).toBe(before)
  })

  it('of a record is that of its own write once the write has ended', async () => {
    const { records } = await connected()
    await records.update('vlan40', () => inForce)
    expect(records.revisionOf('vlan40')).toBe(records.revision())
    await records.update('vlan40', () => undefined)
    expect(records.revisionOf('vlan40')).toBeUndefined()
  })

  it('is not known while what was written could not be read back', async () => {
    const { engine, records } = await connected({ 'orrery-network-vlan40': labelsOf(inForce) })
    engine.muteEvents(true)
    engine.inject('GET /configs', { status: 500 }, 3)
    await records.update('vlan40', phase('removing'))
    expect(records.all().get('vlan40')?.phase).toBe('removing')
    await eventually(() => records.revisionOf('vlan40') !== undefined)
  })
})
