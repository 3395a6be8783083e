import { expect, it, onTestFinished, vi } from 'vitest'
import { createNodeKeeper } from '../../../../src/agent/host/keep-node.ts'
import { startSync } from '../../../../src/agent/sync/sync.ts'
import { createWantedKeeper } from '../../../../src/agent/sync/wanted-keeper.ts'
import type { WantedState } from '../../../../src/swarm/wanted.ts'
import { modelledNode } from '../host/modelled-node.ts'

const quiet = () => {}
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }

const given = (revision: number, presence: 'present' | 'absent'): WantedState => ({
  ...{ v: 1, nodeId: 'node-1', revision },
  networks: [
    {
      ...{ name: 'vlan40', configName: 'vlan40_config', driver: 'macvlan', parent: 'eth1', presence },
      ipv4: { subnet: '172.80.0.0/16', range: '172.80.1.0/24', aux: {}, shim: '172.80.1.254' },
      ...{ isAdopted: false, mayRecreate: false },
    },
  ],
})

const until = (holds: () => unknown) =>
  vi.waitFor(
    () => {
      if (!holds()) throw new Error(`never: ${holds}`)
    },
    { timeout: 5_000, interval: 2 },
  )

/** An agent on a modelled node, with one controller. */
function agent() {
  const node = modelledNode()
  const stopping = new AbortController()
  const state = { given: given(7, 'present') }
  const wanted = createWantedKeeper({
    ...{ memory: node.memory, logger, now: Date.now },
    onTaken: () => keeper.nudge('look'),
  })
  const keeper = createNodeKeeper({ ...node, wanted: wanted.current, logger, now: Date.now })
  /** What was said, and whether the node still had the network then. */
  const told: { readonly revision: number; readonly isAsWanted: boolean | undefined; readonly hasNetwork: boolean }[] =
    []
  const running = keeper.run(stopping.signal)
  const sync = startSync({
    ...{ wanted, logger, now: Date.now, startedAtMs: 1, agentVersion: '0.1.0', controllers: ['https://one'] },
    ...{ observed: keeper.observed, mendedSince: keeper.mendedSince, onChange: keeper.onChange, everyMs: 5 },
    calls: {
      async report(_url, { revision, standings }) {
        told.push({ revision, isAsWanted: standings[0]?.isAsWanted, hasNetwork: node.state.networks.length > 0 })
        return { kind: 'wanted', wanted: state.given, isProven: true }
      },
    },
  })
  onTestFinished(async () => {
    await sync.stop()
    stopping.abort()
    await running
  })
  return { node, state, wanted, told }
}

it('an agent says of a revision only what it has seen since it was given that', async () => {
  const { node, state, wanted, told } = agent()
  await until(() => told.some(({ revision, isAsWanted }) => revision === 7 && isAsWanted))
  let quicken = () => {}
  const isQuick = new Promise<void>((resolve) => {
    quicken = resolve
  })
  const networks = node.engine.networks
  node.engine.networks = async () => {
    await isQuick
    return await networks()
  }
  state.given = given(8, 'absent')
  await until(() => wanted.current('node-1')?.revision === 8)
  const before = told.length
  await until(() => told.length > before + 3)
  quicken()
  await until(() => told.some(({ revision, isAsWanted }) => revision === 8 && isAsWanted))
  // Else the labels and the record would go, and the network would stay for good: nobody wants it gone any more.
  expect(told.filter(({ revision, isAsWanted, hasNetwork }) => revision === 8 && isAsWanted && hasNetwork)).toEqual([])
})
