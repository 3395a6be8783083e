import { describe, expect, it } from 'vitest'
import {
  addressUse,
  areScarce,
  countAddresses,
  percentTaken,
  sumCounts,
} from '../../../../src/bootstrap/record/address-count.ts'
import type { SwarmTask } from '../../../../src/swarm/tasks.ts'
import { aContainer, aTask } from '../../../support/builders/network-views.ts'

const usable = 14
const of = (containers: readonly ReturnType<typeof aContainer>[], tasks: readonly SwarmTask[] = []) =>
  countAddresses(usable, addressUse({ network: 'vlan40', networkId: 'id-vlan40', containers: [...containers], tasks }))

describe('the addresses of a node', () => {
  it('are all free while nobody has one', () => {
    expect(of([])).toEqual({ usable: 14, used: 0, free: 14 })
  })

  it('are unknown while the agent was never heard', () => {
    expect(countAddresses(usable, undefined)).toEqual({ usable: 14, used: null, free: null })
  })

  const containers: { name: string; state: string; address: string | undefined; holds: boolean }[] = [
    { name: 'a running container', state: 'running', address: '172.80.2.1', holds: true },
    { name: 'one that stops, to the end of its grace', state: 'running', address: '172.80.2.1', holds: true },
    { name: 'a paused one', state: 'paused', address: '172.80.2.1', holds: true },
    { name: 'one that Docker starts again, between two starts', state: 'restarting', address: undefined, holds: true },
    { name: 'one that is being removed and has its own still', state: 'removing', address: '172.80.2.1', holds: true },
    { name: 'one that is being removed and has none', state: 'removing', address: undefined, holds: false },
    { name: 'one that has ended, whatever it had', state: 'exited', address: '172.80.2.1', holds: false },
    { name: 'a dead one', state: 'dead', address: undefined, holds: false },
    { name: 'one that was never started', state: 'created', address: undefined, holds: false },
  ]
  it.each(containers)('$name: held is $holds', ({ state, address, holds }) => {
    expect(of([aContainer(address, { state })]).used).toBe(holds ? 1 : 0)
  })

  it('are held by containers that somebody started by hand too', () => {
    const { taskId: _, ...byHand } = aContainer('172.80.2.1')
    expect(of([byHand])).toEqual({ usable: 14, used: 1, free: 13 })
  })

  it('are not held by containers of another network', () => {
    const addresses = [{ network: 'vlan41', address: '172.81.2.1' }]
    expect(of([aContainer('172.81.2.1', { addresses })]).used).toBe(0)
  })

  const states: { state: string; takes: boolean }[] = [
    ...['assigned', 'accepted', 'preparing', 'ready', 'starting', 'running'].map((state) => ({ state, takes: true })),
    ...['new', 'pending', 'complete', 'failed', 'shutdown', 'rejected', 'remove', 'orphaned'].map((state) => ({
      state,
      takes: false,
    })),
  ]
  it.each(states)('a task that is $state and has no container: it takes one: $takes', ({ state, takes }) => {
    expect(of([], [aTask({ state })])).toEqual({ usable: 14, used: 0, free: takes ? 13 : 14 })
  })

  it('are counted once for a task and its container, and its created one holds none yet', () => {
    const task = aTask({ id: 't1', state: 'running' })
    expect(of([aContainer('172.80.2.1', { taskId: 't1' })], [task]).free).toBe(13)
    expect(of([aContainer(undefined, { taskId: 't1', state: 'created' })], [{ ...task, state: 'starting' }])).toEqual({
      usable: 14,
      used: 0,
      free: 13,
    })
  })

  it('are not taken by tasks of other networks', () => {
    expect(of([], [aTask({ networkIds: ['id-vlan41'] })]).free).toBe(14)
  })

  it('are never fewer than none', () => {
    const many = Array.from({ length: 20 }, (_, n) => aContainer(`172.80.2.${n}`))
    expect(of(many)).toEqual({ usable: 14, used: 20, free: 0 })
  })
})

describe('of several nodes', () => {
  it('the sum counts what is known, and an unheard node adds nothing to what is free', () => {
    const counts = [
      { usable: 14, used: 2, free: 11 },
      { usable: 14, used: null, free: null },
    ]
    expect(sumCounts(counts)).toEqual({ usable: 28, used: 2, free: 11 })
    expect(sumCounts(counts.slice(1))).toEqual({ usable: 14, used: null, free: null })
    expect(sumCounts([])).toEqual({ usable: 0, used: 0, free: 0 })
  })
})

it.each([
  { usable: 10, free: 3, percent: 70, scarce: false },
  { usable: 10, free: 2, percent: 80, scarce: true },
  { usable: 253, free: 51, percent: 79, scarce: false },
  { usable: 253, free: 50, percent: 80, scarce: true },
  { usable: 0, free: 0, percent: 100, scarce: true },
])('$free of $usable left is $percent %', ({ percent, scarce, ...count }) => {
  expect(percentTaken({ ...count, used: 0 })).toBe(percent)
  expect(areScarce({ ...count, used: 0 })).toBe(scarce)
})

it('what is not known is not scarce', () => {
  expect(areScarce({ usable: 10, used: null, free: null })).toBe(false)
})
