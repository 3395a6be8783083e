import { describe, expect, it } from 'vitest'
import { isHeldByItself, keptCount } from '../../../../src/agent/plan/kept-by-engine.ts'
import { wantedNetwork } from '../../../support/builders/networks.ts'
import { network } from '../modelled-host.ts'
import { made, plan } from './plan-fixture.ts'

/** As engines of the 20.10 series say it. */
const held = (by: string) => `network ${by} is already using parent interface eth1`
const inUse = 'error while removing network: configuration network "vlan40_config" is in use'
const networkId = 'uind9p40oq0lz5x7m2c8v1b4n'

const proof = (wanted = wantedNetwork({ networkId })) => {
  const [step] = plan(wanted, { ...made(), proven: new Map() }).steps
  if (step?.do !== 'prove-network') throw new Error('no proof was planned')
  return step
}

describe('a probe that is refused', () => {
  it.each(['dm-uind9p40oq0l', 'di-uind9p40oq0l'])(
    'for the network itself (%s) proves it: that can be made again',
    (by) => {
      expect(isHeldByItself(proof(), held(by))).toBe(true)
    },
  )

  it.each([
    { name: 'for another one', step: proof(), reason: held('dm-0f9p40oq0l55') },
    { name: 'for one of which too little is said', step: proof(), reason: held('dm-u') },
    { name: 'while the id of the network is not known', step: proof(wantedNetwork()), reason: held('dm-uind9p40oq0l') },
    { name: 'for something else', step: proof(), reason: 'Pool overlaps with other one on this address space' },
  ])('$name does not', ({ step, reason }) => {
    expect(isHeldByItself(step, reason)).toBe(false)
  })
})

describe('a config-only network that the engine does not let go', () => {
  const config = network('vlan40_config')
  const made = network('vlan40', { configOnly: false, scope: 'swarm', configFrom: 'vlan40_config' })

  it('is told with what ends it, where nothing is shown that uses it', () => {
    expect(keptCount('vlan40_config', inUse, [config])).toMatchObject({
      code: 'engine-keeps',
      message: expect.stringContaining('local-kv.db'),
    })
  })

  it('is waited for while something is shown that uses it, and is another matter where the engine says something else', () => {
    expect(keptCount('vlan40_config', inUse, [config, made])).toBeUndefined()
    expect(keptCount('vlan40_config', 'forbidden by the proxy', [config])).toBeUndefined()
  })
})
