/** Random LANs: a model of what an engine takes, written apart from the plan, says whether tasks would run where it is ready. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeObservation } from '../../../../src/agent/plan/host.ts'
import type { EngineNetwork } from '../../../../src/swarm/networks.ts'
import type { WantedNetwork } from '../../../../src/swarm/wanted.ts'
import { wantedNetwork } from '../../../support/builders/networks.ts'
import { address, link, network, observation, taken } from '../modelled-host.ts'
import { plan } from './plan-fixture.ts'

const SUBNETS = ['172.80.0.0/16', '172.80.7.0/24', '172.0.0.0/8', '10.0.0.0/24', '10.77.0.0/16']
/** 10.x and 192.x are elsewhere; what holds 172.80.x.x meets 172.80.0.0/16. */
const meets = (subnet: string) => subnet.startsWith('172.')

const others = fc
  .array(
    fc.record({
      driver: fc.constantFrom('overlay', 'macvlan', 'bridge', 'ipvlan'),
      subnet: fc.constantFrom(...SUBNETS),
      parent: fc.constantFrom('eth0', 'eth1'),
      configOnly: fc.boolean(),
    }),
    { maxLength: 3 },
  )
  .map((all) =>
    all.map(({ driver, subnet, parent, configOnly }, at): EngineNetwork => {
      const isOnLink = driver === 'macvlan' || driver === 'ipvlan'
      return network(`other${at}`, {
        driver: configOnly ? 'null' : driver,
        scope: driver === 'overlay' && !configOnly ? 'swarm' : 'local',
        configOnly,
        options: isOnLink || configOnly ? { parent } : {},
        subnets: [{ subnet, aux: {} }],
      })
    }),
  )
/** Outside of the range 172.80.1.0/24, inside of it, kept back there, and the shim's own. */
const addresses = fc.subarray(['10.1.1.1/24', '172.80.9.9/16', '172.80.1.77/16', '172.80.1.200/32'])
const lans = fc.record({ others, addresses, isOld: fc.boolean(), isShimTaken: fc.boolean(), hasShim: fc.boolean() })

/** As 20.10 and 28.5 were seen to do it. */
const engineTakes = (networks: readonly EngineNetwork[], isOld: boolean) =>
  networks
    .filter(({ name, configOnly }) => !configOnly && name.startsWith('other'))
    .every(({ driver, subnets, options }) => {
      const isOnParent = (driver === 'macvlan' || driver === 'ipvlan') && options.parent === 'eth1'
      return !subnets.some(({ subnet }) => meets(subnet)) && !(isOld && isOnParent)
    })

/** The agent's rounds, with an engine and a LAN that refuse. */
function mended(wanted: WantedNetwork, before: NodeObservation, refuses: { engine: boolean; lan: boolean }) {
  let seen = before
  for (let round = 0; round < 3; round += 1) {
    for (const step of plan(wanted, seen).steps) {
      if (step.do === 'prove-network' && refuses.engine) return { seen, isReady: false }
      if (step.do === 'ask-for-address' && refuses.lan) return { seen, isReady: false }
      seen = taken(seen, step)
    }
  }
  const { steps, faults } = plan(wanted, seen)
  return { seen, isReady: steps.length === 0 && faults.length === 0 }
}

const withAddresses = (before: NodeObservation, own: readonly string[]): NodeObservation => ({
  ...before,
  links: [...before.links.filter(({ name }) => name !== 'lan2'), link('lan2', { addresses: own.map(address) })],
})

describe('a node that is called ready', () => {
  it('has an engine that takes its tasks, and no address that a container may be given: whatever else is on the LAN and the engine', () => {
    let ready = 0
    fc.assert(
      fc.property(lans, addresses, (lan, moved) => {
        const { shim, ...bare } = wantedNetwork().ipv4
        const aux = { ...bare.aux, host: '172.80.1.200' }
        const wanted = wantedNetwork({ ipv4: { ...bare, aux, ...(lan.hasShim && { shim }) } })
        const before = withAddresses({ ...observation(), networks: lan.others }, lan.addresses)
        const isTaken = lan.hasShim && lan.isShimTaken
        const takes = engineTakes(lan.others, lan.isOld)
        const { seen, isReady } = mended(wanted, before, { engine: !takes, lan: isTaken })
        const isClear = (own: readonly string[]) => !own.includes('172.80.1.77/16')
        expect(isReady).toBe(takes && !isTaken && isClear(lan.addresses))
        if (!isReady) return
        ready += 1
        // A lease that moves afterwards is told as long as it is there.
        const { faults } = plan(wanted, withAddresses(seen, moved))
        expect(faults.map(({ code }) => code)).toEqual(isClear(moved) ? [] : ['address-in-range'])
      }),
      { numRuns: 10_000 },
    )
    // Neither is rare: it is no test of refusals alone.
    expect(ready).toBeGreaterThan(1000)
    expect(ready).toBeLessThan(9000)
  }, 120_000)
})
