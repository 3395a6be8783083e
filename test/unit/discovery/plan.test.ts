import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entriesOf } from '../../../src/discovery/desired/task-entries.ts'
import type { Entry } from '../../../src/discovery/entry.ts'
import type { CatalogNode, CatalogState, CatalogStep } from '../../../src/discovery/plan/catalog.ts'
import { differenceOf } from '../../../src/discovery/plan/difference.ts'
import { afterWrites, divide, MOST_WRITES, transactionsOf } from '../../../src/discovery/plan/transactions.ts'
import { aRunningTask, SETTINGS, type Told } from './support.ts'

const CLUSTER = { cluster: 'swarm1', spareNodes: new Set<string>() }

const entry = (task: string, told: Told = {}): Entry => {
  const [made] = entriesOf(
    aRunningTask({ task, addresses: [{ network: 'vlan40', address: `172.80.1.${task.length}` }], ...told }),
    SETTINGS,
  ).entries
  if (made === undefined) throw new Error('no entry')
  return made
}
const wanted = (...entries: Entry[]) => ({
  entries: new Map(entries.map((one) => [one.id, one])),
  kept: new Set<string>(),
})

/** What Consul would hold after every step. */
let index = 0
const done = (state: CatalogState, steps: readonly CatalogStep[]) =>
  afterWrites(
    state,
    steps.flatMap(({ writes }) => writes),
    () => ++index,
  )
const settled = (...entries: Entry[]) => done(new Map(), differenceOf(wanted(...entries), new Map(), CLUSTER).steps)
const kinds = (steps: readonly CatalogStep[]) => steps.flatMap(({ writes }) => writes.map(({ kind }) => kind))

function withService(state: CatalogState, id: string, meta: Record<string, string>): CatalogState {
  const node = state.get('swarm-host1') as CatalogNode
  const service = { id, name: 'web', address: '172.80.1.9', port: 80, tags: [], meta, index: 7 }
  return new Map([['swarm-host1', { ...node, services: new Map([...node.services, [id, service]]) }]])
}

describe('the difference', () => {
  it('makes the node, the entry and its check, and then nothing more', () => {
    const one = entry('a')
    const { steps } = differenceOf(wanted(one), new Map(), CLUSTER)
    expect(kinds(steps)).toEqual(['set-node', 'set-service', 'set-check'])
    expect(differenceOf(wanted(one), done(new Map(), steps), CLUSTER).steps).toEqual([])
  })

  it('of one changed task is that task', () => {
    const state = settled(entry('a'), entry('bb'))
    const { steps } = differenceOf(wanted(entry('a'), entry('bb', { env: { SERVICE_TAGS: 'x' } })), state, CLUSTER)
    expect(steps.map(({ subject }) => subject)).toEqual(['orrery:web.1.bb:80'])
    expect(kinds(steps)).toEqual(['set-service'])
  })

  it('mends a check that somebody else set, and one that is gone', () => {
    const [one, state] = [entry('a'), settled(entry('a'))]
    const node = state.get('swarm-host1') as CatalogNode
    const [check] = [...node.checks.values()]
    for (const checks of [new Map(), new Map([[check?.id ?? '', { ...check, status: 'critical' }]])]) {
      const spoilt = new Map([['swarm-host1', { ...node, checks: checks as CatalogNode['checks'] }]])
      expect(kinds(differenceOf(wanted(one), spoilt, CLUSTER).steps)).toEqual(['set-check'])
    }
  })

  it('frees an address before somebody else gets it, though the task that had it would stay', () => {
    const state = settled(entry('old', { addresses: [{ network: 'vlan40', address: '172.80.1.1' }] }))
    const next = wanted(entry('new', { addresses: [{ network: 'vlan40', address: '172.80.1.1' }] }))
    const { steps } = differenceOf({ ...next, kept: new Set(['old']) }, state, CLUSTER)
    expect(kinds(steps)).toEqual(['delete-service', 'set-service', 'set-check'])
  })

  it('leaves what is not known as it is', () => {
    const state = settled(entry('a'))
    expect(differenceOf({ ...wanted(), kept: new Set(['a']) }, state, CLUSTER).steps).toEqual([])
    expect(kinds(differenceOf(wanted(), state, CLUSTER).steps)).toEqual(['delete-service'])
  })

  it.each([
    { name: 'of another Swarm', meta: { 'managed-by': 'orrery', cluster: 'swarm2', task: 'x' } },
    { name: 'of nobody we know', meta: {} },
    { name: 'of another registrar', meta: { 'managed-by': 'other', cluster: 'swarm1' } },
  ])('never touches an entry $name', ({ meta }) => {
    const state = withService(settled(entry('a')), 'orrery:web.1.x:80', meta)
    expect(kinds(differenceOf(wanted(), state, CLUSTER).steps)).toEqual(['delete-service'])
    const same = withService(settled(entry('a')), 'orrery:web.1.bb:80', meta)
    const { steps, issues } = differenceOf(wanted(entry('a'), entry('bb')), same, CLUSTER)
    expect(steps).toEqual([])
    expect(issues).toMatchObject([{ key: 'id', effect: 'refused' }])
  })

  it('puts nothing on the node of a Consul agent', () => {
    const node = settled(entry('a')).get('swarm-host1') as CatalogNode
    const gossip = { id: 'serfHealth', name: '', status: 'passing', serviceId: '', index: 1 }
    const state = new Map([
      ['swarm-host1', { ...node, meta: {}, checks: new Map([...node.checks, ['serfHealth', gossip]]) }],
    ])
    const { steps, issues } = differenceOf(wanted(entry('bb')), state, CLUSTER)
    expect(kinds(steps)).toEqual(['delete-service'])
    expect(issues).toMatchObject([{ key: 'node', value: 'swarm-host1', effect: 'refused' }])
  })

  it('takes a node away only when nothing is on it and it may go', () => {
    const empty = done(settled(entry('a')), differenceOf(wanted(), settled(entry('a')), CLUSTER).steps)
    const spare = { ...CLUSTER, spareNodes: new Set(['swarm-host1']) }
    expect(differenceOf(wanted(), empty, CLUSTER).steps).toEqual([])
    expect(kinds(differenceOf(wanted(), empty, spare).steps)).toEqual(['delete-node'])
    const shared = withService(empty, 'theirs', { 'managed-by': 'orrery', cluster: 'swarm2' })
    expect(differenceOf(wanted(), shared, spare).steps).toEqual([])
  })

  it('leaves the address of a node alone that two hosts of one name share', () => {
    const [one, state] = [entry('a', { node: { address: '10.0.0.9' } }), settled(entry('a'))]
    expect(kinds(differenceOf(wanted(one), state, CLUSTER).steps)).toEqual(['set-node'])
    const shared = withService(state, 'theirs', { 'managed-by': 'orrery', cluster: 'swarm2' })
    expect(differenceOf(wanted(one), shared, CLUSTER).steps).toEqual([])
  })
})

describe('transactions', () => {
  const step = (subject: string, writes: number): CatalogStep => ({
    subject,
    writes: Array.from({ length: writes }, () => ({
      kind: 'delete-service',
      node: 'n',
      id: subject,
      name: 'web',
      index: 1,
    })),
  })

  it('hold 63 writes at most, in order, and no step is divided', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 300 }), (sizes) => {
        const steps = sizes.map((size, place) => step(String(place), size))
        const transactions = transactionsOf(steps)
        expect(transactions.flat()).toEqual(steps)
        for (const one of transactions) expect(kinds(one).length).toBeLessThanOrEqual(MOST_WRITES)
      }),
    )
  })

  it('are small enough for Consul, however much Meta there is', () => {
    const meta = Object.fromEntries(Array.from({ length: 58 }, (_, place) => [`k${place}`, 'x'.repeat(512)]))
    const service = { id: 'a', name: 'a', address: '', port: 1, tags: [], meta, index: 0 }
    const steps = Array.from({ length: 40 }, () => ({
      subject: 'a',
      writes: [{ kind: 'set-service', node: 'n', service } as const],
    }))
    for (const one of transactionsOf(steps)) expect(JSON.stringify(one).length).toBeLessThan(400 * 1024)
  })

  it('are divided at the writes that Consul refuses, each with the first reason', () => {
    const { rest, failed } = divide(
      [step('a', 2), step('bad', 2), step('c', 1)],
      [
        { place: 2, reason: 'bad Meta', isStale: false },
        { place: 3, reason: 'Missing service registration', isStale: false },
      ],
    )
    expect(rest.map(({ subject }) => subject)).toEqual(['a', 'c'])
    expect(failed.map(({ step, reason }) => [step.subject, reason])).toEqual([['bad', 'bad Meta']])
  })
})
