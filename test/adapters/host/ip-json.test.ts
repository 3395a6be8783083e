import { describe, expect, it } from 'vitest'
import { readLinks, readRoutes } from '../../../src/adapters/host/ip-json.ts'

/** As iproute2 6.1 prints them, without what nobody reads. */
const veth = {
  ifindex: 3,
  link_index: 5,
  ifname: 'eth1',
  flags: ['BROADCAST', 'MULTICAST', 'PROMISC', 'UP', 'LOWER_UP'],
  mtu: 1500,
  operstate: 'UP',
  link_netnsid: 0,
  promiscuity: 2,
  linkinfo: { info_kind: 'veth' },
  addr_info: [
    { family: 'inet', local: '172.80.0.11', prefixlen: 16, scope: 'global', label: 'eth1' },
    { family: 'inet6', local: 'fd00:40::11', prefixlen: 64, scope: 'global', dynamic: true, mngtmpaddr: true },
    { family: 'inet6', local: 'fe80::f8a0:4ff:fec5:e71f', prefixlen: 64, scope: 'link' },
  ],
}
const shim = {
  ifindex: 14,
  link: 'eth1',
  ifname: 'shim-vlan40',
  flags: ['BROADCAST', 'MULTICAST'],
  mtu: 1500,
  operstate: 'DOWN',
  promiscuity: 0,
  linkinfo: { info_kind: 'macvlan', info_data: { mode: 'bridge', bcqueuelen: 1000, usedbcqueuelen: 1000 } },
  ifalias: 'orrery vlan40',
  addr_info: [],
}
const port = {
  ifname: 'vethf3927d7',
  flags: ['NO-CARRIER', 'BROADCAST', 'MULTICAST', 'UP'],
  mtu: 1500,
  master: 'docker_gwbridge',
  linkinfo: { info_kind: 'veth', info_slave_kind: 'bridge' },
  addr_info: [{ family: 'inet6', local: 'fe80::30f2:f3ff:fec2:8f5d', prefixlen: 64, scope: 'link' }],
}

describe('links', () => {
  it('are read from what ip prints', () => {
    expect(readLinks(JSON.stringify([veth, shim, port]))).toEqual([
      {
        name: 'eth1',
        isUp: true,
        hasCarrier: true,
        isPromiscuous: true,
        alias: '',
        mtu: 1500,
        kind: 'veth',
        addresses: [
          { address: '172.80.0.11/16', scope: 'global', isDynamic: false },
          { address: 'fd00:40::11/64', scope: 'global', isDynamic: true },
          { address: 'fe80::f8a0:4ff:fec5:e71f/64', scope: 'link', isDynamic: false },
        ],
      },
      {
        name: 'shim-vlan40',
        isUp: false,
        hasCarrier: true,
        isPromiscuous: false,
        alias: 'orrery vlan40',
        mtu: 1500,
        kind: 'macvlan',
        mode: 'bridge',
        lower: 'eth1',
        addresses: [],
      },
      {
        name: 'vethf3927d7',
        isUp: true,
        hasCarrier: false,
        isPromiscuous: false,
        alias: '',
        mtu: 1500,
        kind: 'veth',
        master: { name: 'docker_gwbridge', kind: 'bridge' },
        addresses: [{ address: 'fe80::30f2:f3ff:fec2:8f5d/64', scope: 'link', isDynamic: false }],
      },
    ])
  })

  it('are not promiscuous because of what is made on them', () => {
    const [link] = readLinks(JSON.stringify([{ ...veth, flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'] }]))
    expect(link?.isPromiscuous).toBe(false)
  })

  it('are as many as there are names: older versions print empty objects between them', () => {
    expect(readLinks('[{},{"ifname":"lo","flags":["UP"]},{}]').map(({ name }) => name)).toEqual(['lo'])
    expect(readLinks('[]')).toEqual([])
  })
})

describe('routes', () => {
  it('are read from what ip prints, with a length for every destination', () => {
    const printed = [
      { dst: 'default', gateway: '10.0.0.1', dev: 'eth0', flags: [] },
      { dst: '172.80.0.0/16', dev: 'eth1', protocol: 'kernel', scope: 'link', prefsrc: '172.80.0.11', flags: [] },
      { dst: '172.80.1.9', dev: 'shim-vlan40', scope: 'link', flags: [] },
      { type: 'blackhole', dst: '10.1.0.0/16', flags: [] },
      { dst: '10.2.0.0/16', nexthops: [{ dev: 'eth0' }, { dev: 'eth1' }], flags: [] },
    ]
    expect(readRoutes(JSON.stringify(printed), 4)).toEqual([
      { destination: '0.0.0.0/0', link: 'eth0', gateways: ['10.0.0.1'] },
      { destination: '172.80.0.0/16', link: 'eth1', source: '172.80.0.11', protocol: 'kernel' },
      { destination: '172.80.1.9/32', link: 'shim-vlan40' },
      { destination: '10.1.0.0/16' },
      { destination: '10.2.0.0/16' },
    ])
    expect(readRoutes('[{"dst":"default","dev":"eth0"},{"dst":"fd00::1","dev":"eth0"}]', 6)).toEqual([
      { destination: '::/0', link: 'eth0' },
      { destination: 'fd00::1/128', link: 'eth0' },
    ])
  })

  it('are none where ip prints nothing', () => {
    expect(readRoutes('', 6)).toEqual([])
    expect(readRoutes('[ ]\n', 4)).toEqual([])
  })
})
