import { Value } from '@sinclair/typebox/value'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildReport, type ReportSource } from '../../../../src/agent/plan/build-report.ts'
import { NodeReportSchema } from '../../../../src/swarm/node-report.ts'
import { address, link, network } from '../modelled-host.ts'

const facts = {
  ...{ version: '28.5.2', hostname: 'one', nodeId: 'node-1', swarmState: 'active', engineId: '' },
  ...{ managers: [], managerIds: [] },
}
const frame = { agentVersion: '0.1.0', sentAtMs: 2000, startedAtMs: 1000, revision: 7, mended: [] }
const source = (over: Partial<ReportSource> = {}): ReportSource => ({
  facts,
  host: { links: [], routes: [] },
  networks: [],
  containers: [],
  usage: new Map(),
  standings: [],
  faults: [],
  ...over,
})

describe('a report', () => {
  it('names the addresses of the host, but none of a shim: that is from a range on purpose', () => {
    const links = [
      link('eth1', {
        addresses: [address('172.80.0.11/16'), { address: 'fe80::1/64', scope: 'link', isDynamic: false }],
      }),
      link('shim-vlan40', { alias: 'orrery vlan40', kind: 'macvlan', addresses: [address('172.80.1.254/32')] }),
      link('macvlan0', { kind: 'macvlan', addresses: [address('172.80.1.253/32')] }),
    ]
    expect(buildReport(source({ host: { links, routes: [] } }), frame).hostAddresses).toEqual([
      { link: 'eth1', address: '172.80.0.11/16' },
      { link: 'macvlan0', address: '172.80.1.253/32' },
    ])
  })

  it('names networks that matter here, and no bridge or overlay', () => {
    const networks = [
      network('vlan40_config'),
      network('by-hand', { driver: 'ipvlan', configOnly: false }),
      network('bridge', { driver: 'bridge', configOnly: false }),
      network('ingress', { driver: 'overlay', configOnly: false }),
    ]
    expect(buildReport(source({ networks }), frame).networks.map(({ name }) => name)).toEqual([
      'vlan40_config',
      'by-hand',
    ])
  })

  it('says with each network what was mended of it, and with each container what it uses', () => {
    const status = { name: 'vlan40', isAsWanted: true, faults: [], mended: [], attached: 1 }
    const containers = [{ id: 'c1', name: 'web.1', state: 'running', addresses: [] }]
    const report = buildReport(
      source({ standings: [status], containers, usage: new Map([['c1', { cpuPercent: 150, memoryBytes: 9 }]]) }),
      {
        ...frame,
        mended: [
          { network: 'vlan40', text: 'made it' },
          { network: 'other', text: 'made that' },
        ],
      },
    )
    expect(report.standings).toEqual([{ ...status, mended: ['made it'] }])
    expect(report.containers).toEqual([{ ...containers[0], cpuPercent: 150, memoryBytes: 9 }])
  })

  it('leaves out ended containers first where there are too many', () => {
    const one = (index: number, state: string) => ({ id: `${state}-${index}`, name: 'x', state, addresses: [] })
    const containers = [
      ...Array.from({ length: 4090 }, (_, index) => one(index, 'exited')),
      ...Array.from({ length: 10 }, (_, index) => one(index, 'running')),
    ]
    const report = buildReport(source({ containers }), frame)
    expect(report.containers).toHaveLength(4096)
    expect(report.containers.filter(({ state }) => state === 'running')).toHaveLength(10)
  })

  it('is one that a controller takes, whatever was seen', () => {
    const text = fc.string({ maxLength: 3000 })
    const fault = fc.record({ code: fc.constant('x'), message: text })
    const seen = fc.record({
      networks: fc.array(
        fc
          .record({ labels: fc.dictionary(fc.string(), text), options: fc.dictionary(fc.string(), text) })
          .map((over) => network('n', over)),
        { maxLength: 3 },
      ),
      faults: fc.array(fault, { maxLength: 100 }),
      standings: fc.array(
        fc
          .array(fault, { maxLength: 50 })
          .map((faults) => ({ name: 'vlan40', isAsWanted: false, faults, mended: [], attached: 0 })),
        { maxLength: 3 },
      ),
    })
    const mended = fc.array(
      text.map((words) => ({ network: 'vlan40', text: words })),
      { maxLength: 200 },
    )
    fc.assert(
      fc.property(seen, mended, (over, words) => {
        const report = buildReport(source(over), { ...frame, mended: words })
        expect([...Value.Errors(NodeReportSchema, report)]).toEqual([])
      }),
    )
  })
})
