import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HostLink, NodeObservation } from '../../../../src/agent/plan/host.ts'
import { HALF_MADE } from '../../../../src/agent/plan/link-names.ts'
import { planNode } from '../../../../src/agent/plan/node-plan.ts'
import type { WantedNetwork } from '../../../../src/swarm/wanted.ts'
import { wantedNetwork } from '../../../support/builders/networks.ts'
import { address, link, network } from '../modelled-host.ts'
import { kept, six } from './plan-fixture.ts'

describe('whatever is on a node', () => {
  const range = fc.constantFrom('172.80.1.0/24', '172.80.2.0/24')
  const wanted = fc
    .record({
      presence: fc.constantFrom('present' as const, 'absent' as const),
      driver: fc.constantFrom('macvlan' as const, 'ipvlan' as const),
      parent: fc.constantFrom('eth1', 'auto', 'eth1.40', 'eth0', 'eth9', 'enp0s31f6d1.4001'),
      range,
      hasShim: fc.boolean(),
      hasSix: fc.boolean(),
      isAdopted: fc.boolean(),
      mayRecreate: fc.boolean(),
    })
    .map(({ range: share, hasShim, hasSix, ...rest }): WantedNetwork => {
      const shim = share.replace('.0/24', '.254')
      const ipv4 = {
        subnet: '172.80.0.0/16',
        gateway: '172.80.0.1',
        range: share,
        aux: { s: shim },
        ...(hasShim && { shim }),
      }
      return wantedNetwork({ ...rest, ipv4, ...(hasSix && { ipv6: six }) })
    })
  const other = fc.option(
    wanted.map((one): WantedNetwork => {
      const ipv4 = { subnet: '10.9.0.0/16', range: '10.9.1.0/24', aux: {} }
      return wantedNetwork({
        presence: one.presence,
        driver: one.driver,
        parent: one.parent,
        name: 'second',
        configName: 'second_config',
        ipv4,
      })
    }),
    { nil: undefined },
  )

  const alias = fc.constantFrom('', 'orrery vlan40', 'orrery second', 'of somebody')
  const links = fc
    .record({
      eth1: fc.record({
        isUp: fc.boolean(),
        isPromiscuous: fc.boolean(),
        inSubnet: fc.boolean(),
        isPort: fc.boolean(),
      }),
      vlan: fc.option(fc.record({ alias, isUp: fc.boolean() })),
      shim: fc.option(
        fc.record({
          alias,
          isUp: fc.boolean(),
          kind: fc.constantFrom('macvlan', 'ipvlan', 'bridge'),
          lower: fc.constantFrom('eth0', 'eth1'),
          addresses: fc.subarray(['172.80.1.254/32', '172.80.2.254/32', '10.1.1.1/24']),
        }),
      ),
      isHalfMade: fc.boolean(),
    })
    .map(({ eth1, vlan, shim, isHalfMade }): HostLink[] => [
      link('eth0', { addresses: [address('10.0.0.5/24')] }),
      link('eth1', {
        isUp: eth1.isUp,
        isPromiscuous: eth1.isPromiscuous,
        addresses: eth1.inSubnet ? [address('172.80.0.11/16')] : [],
        ...(eth1.isPort && { master: { name: 'br0', kind: 'bridge' } }),
      }),
      ...(vlan === null
        ? []
        : [link('eth1.40', { ...vlan, isUp: vlan.isUp && eth1.isUp, kind: 'vlan', lower: 'eth1' })]),
      ...(shim === null
        ? []
        : [
            link('shim-vlan40', {
              ...shim,
              isUp: shim.isUp && (shim.lower === 'eth0' || eth1.isUp),
              mode: 'bridge',
              addresses: shim.addresses.map(address),
            }),
          ]),
      ...(isHalfMade ? [link(HALF_MADE, { kind: 'macvlan', lower: 'eth1', isUp: false })] : []),
    ])
  const networks = fc
    .record({
      config: fc.option(
        fc.record({
          owner: fc.constantFrom('vlan40', 'second', undefined),
          range,
          parent: fc.constantFrom('eth0', 'eth1', 'eth1.40'),
          configOnly: fc.boolean(),
        }),
      ),
      rival: fc.boolean(),
      isAttached: fc.boolean(),
    })
    .map(({ config, rival, isAttached }) => ({
      networks: [
        ...(config === null
          ? []
          : [
              network('vlan40_config', {
                configOnly: config.configOnly,
                driver: config.configOnly ? 'null' : 'bridge',
                labels: config.owner === undefined ? {} : { 'orrery.network': config.owner },
                options: { parent: config.parent },
                subnets: [
                  {
                    subnet: '172.80.0.0/16',
                    range: config.range,
                    gateway: '172.80.0.1',
                    aux: { s: config.range.replace('.0/24', '.254') },
                  },
                ],
              }),
            ]),
        ...(rival
          ? [
              network('rival', {
                driver: 'macvlan',
                configOnly: false,
                subnets: [{ subnet: '172.80.0.0/24', aux: {} }],
                options: { parent: 'eth1' },
              }),
            ]
          : []),
        network('vlan40', { driver: 'macvlan', scope: 'swarm', configOnly: false, configFrom: 'vlan40_config' }),
      ],
      containers: isAttached ? [{ addresses: [{ network: 'vlan40', address: '172.80.1.1' }] }] : [],
    }))
  const adoptedBefore = fc.subarray(['id-of-vlan40_config'])
  const nodes = fc.tuple(links, networks, fc.subarray(['eth0', 'eth1', 'eth1.40']), adoptedBefore).map(
    ([found, engine, promiscuous, adopted]): NodeObservation => ({
      links: found,
      routes: found.flatMap((one) =>
        one.name === 'eth1' && one.isUp && one.addresses.length > 0
          ? [{ destination: '172.80.0.0/16', link: 'eth1', source: '172.80.0.11', protocol: 'kernel' }]
          : [],
      ),
      ...engine,
      proven: new Map(),
      promiscuousByUs: new Set(promiscuous),
      adoptedByUs: new Set(adopted),
    }),
  )
  const everything = fc
    .tuple(wanted, other, nodes)
    .map(([one, second, node]) => ({ all: second === undefined ? [one] : [one, second], node }))

  it('every step can be taken, and then none is left', () => {
    fc.assert(
      fc.property(everything, ({ all, node }) => {
        const end = kept(all, node)
        for (const one of all) expect(planNode(one, end, all).steps).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it('nothing that is not ours is changed, but for the promiscuity of a parent', () => {
    const isForeign = (one: HostLink) => !one.alias.startsWith('orrery ') && one.name !== HALF_MADE
    const calm = (one: HostLink) => ({ ...one, isPromiscuous: false })
    fc.assert(
      fc.property(everything, ({ all, node }) => {
        const end = kept(all, node)
        expect(end.links.filter(isForeign).map(calm)).toEqual(node.links.filter(isForeign).map(calm))
        const ours = new Set(all.map(({ name }) => name))
        const adopted = all.filter(({ isAdopted }) => isAdopted).map(({ configName }) => configName)
        const foreign = node.networks.filter(
          ({ id, name, labels, configOnly }) =>
            !configOnly ||
            !(ours.has(labels['orrery.network'] ?? '') || (adopted.includes(name) && node.adoptedByUs.has(id))),
        )
        expect(end.networks).toEqual(expect.arrayContaining(foreign))
        expect(end.routes).toEqual(expect.arrayContaining([...node.routes]))
        expect(end.containers).toEqual(node.containers)
      }),
      { numRuns: 2000 },
    )
  })

  it('nothing that a container is attached to is taken from under it', () => {
    fc.assert(
      fc.property(everything, ({ all, node }) => {
        fc.pre(node.containers.length > 0)
        const end = kept(all, node)
        const config = (state: NodeObservation) => state.networks.find(({ name }) => name === 'vlan40_config')
        const before = config(node)
        if (before !== undefined) expect(config(end)).toEqual(before)
        const parent = before?.options.parent
        if (parent !== undefined && before?.configOnly && node.links.some(({ name }) => name === parent)) {
          expect(end.links.map(({ name }) => name)).toContain(parent)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
