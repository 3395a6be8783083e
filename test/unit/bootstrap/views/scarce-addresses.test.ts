import { expect, it } from 'vitest'
import { watchScarceAddresses } from '../../../../src/bootstrap/views/scarce-addresses.ts'
import { aNetwork, anAllocation } from '../../../support/builders/network-views.ts'

const watched = () => {
  const lines: string[] = []
  const quiet = () => {}
  const state = { networks: [aNetwork()] }
  const watch = watchScarceAddresses({
    catalog: { networks: () => state.networks },
    logger: { debug: quiet, info: quiet, error: quiet, warn: (_fields, message) => lines.push(message) },
  })
  const taken = (free: number | null, hostname = 'worker1') => {
    const count = { usable: 10, used: 4, free }
    state.networks = [aNetwork({ allocations: [anAllocation({ count, hostname, nodeId: hostname })] })]
    watch.look()
  }
  return { lines, taken, watch, state }
}

it('a node that passes 80 % is told once, and again only after it fell below', () => {
  const { lines, taken } = watched()
  for (const free of [3, 2, 1, 0, 2]) taken(free)
  expect(lines).toEqual(['80 % of the addresses of vlan40 on worker1 are taken: 2 of 10 are left'])
  taken(3)
  taken(1)
  expect(lines).toHaveLength(2)
})

it('each node is told of for itself, and what is not known is no news', () => {
  const { lines, taken } = watched()
  taken(1)
  taken(1, 'worker2')
  taken(null, 'worker3')
  expect(lines).toHaveLength(2)
})

it('it looks by itself until it is told to stop', async () => {
  const { lines, watch, state } = watched()
  state.networks = [aNetwork({ allocations: [anAllocation({ count: { usable: 1, used: 1, free: 0 } })] })]
  const stop = new AbortController()
  const running = watch.run(stop.signal)
  expect(lines).toHaveLength(1)
  stop.abort()
  await running
})
