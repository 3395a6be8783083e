import { describe, expect, it } from 'vitest'
import { createAgentReports } from '../../../../src/agent/controller/agent-reports.ts'
import type { NodesNews } from '../../../../src/bootstrap/network.ts'
import { publishNetworks, publishNodes } from '../../../../src/bootstrap/views/publish-changes.ts'
import { createListeners } from '../../../../src/foundation/listeners.ts'
import type { ManagerStatus } from '../../../../src/swarm/nodes.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'
import { definition, report } from '../../../support/builders/networks.ts'
import { modelledBootstrap } from '../model/network-ports.ts'

const told = () => {
  const model = modelledBootstrap([definition()])
  const id = model.cluster.join('manager1', 'manager')
  const news: string[] = []
  const events: string[] = []
  const log = (fields: object) => void events.push('event' in fields ? String(fields.event) : '')
  const logger = { debug: log, info: log, warn: log, error: log }
  const { nodes, records, networks } = model.swarm
  const reports = createAgentReports({ nodes, logger, now: () => NOW })
  const tell = ({ network, text }: NodesNews) => void news.push(network === undefined ? text : `${network}: ${text}`)
  const statuses = new Map<string, ManagerStatus>()
  const managers = createListeners<void>(logger)
  const clock = { nowMs: NOW }
  const following = { get: (id: string) => statuses.get(id), onChange: managers.add }
  publishNodes({ nodes, managers: following, reports, records, logger, tell, now: () => clock.nowMs })
  publishNetworks({ records, networks, tell })
  model.tell()
  const lead = (given: Readonly<Record<string, ManagerStatus>>) => {
    statuses.clear()
    for (const [node, status] of Object.entries(given)) statuses.set(node, status)
    managers.tell()
  }
  return { ...model, id, news, events, reports, lead, clock }
}

describe('news of nodes', () => {
  it('are told once each: what a node becomes, that it joins and leaves, and nothing of the start', () => {
    const { cluster, tell, news, id } = told()
    expect(news).toEqual([])
    cluster.change(id, { availability: 'drain' })
    tell()
    tell()
    const worker = cluster.join('worker1')
    tell()
    cluster.change(worker, { labels: { other: 'x', 'orrery.network.vlan40': 'ready' } })
    tell()
    cluster.leave(worker)
    tell()
    expect(news).toEqual([
      'manager1 is ready, drain, manager',
      'worker1 is ready, active, worker',
      'worker1 is ready, active, worker, ready for vlan40',
      'worker1 has left the Swarm',
    ])
  })

  it('say who leads when it changes, and nothing of what is first known or not known', () => {
    const { cluster, tell, news, id, lead } = told()
    const other = cluster.join('manager2', 'manager')
    tell()
    news.splice(0)
    const [leads, follows] = [
      { isLeader: true, reachability: 'reachable' },
      { isLeader: false, reachability: 'reachable' },
    ] as const
    lead({ [id]: leads, [other]: follows })
    lead({})
    lead({ [id]: leads, [other]: follows })
    expect(news).toEqual([])
    lead({ [id]: { isLeader: false, reachability: 'unreachable' }, [other]: leads })
    expect(news).toEqual(['manager1 is a manager, unreachable', 'manager2 is the leader'])
  })

  it('are not made of a Swarm that cannot be read', () => {
    const { cluster, tell, news, id, state } = told()
    state.inSync = false
    cluster.nodes.delete(id)
    tell()
    expect(news).toEqual([])
  })

  it('of an agent that says whatever it likes are few and short, and under its own name', () => {
    const { reports, news, events, id, clock, cluster, tell } = told()
    cluster.settle([definition()])
    tell()
    news.length = 0
    events.length = 0
    const lie = (sentAtMs: number) => {
      const fault = (message: string) => ({
        ...{ isAsWanted: false, mended: [], attached: 0 },
        faults: [{ code: 'x', message }],
      })
      const made = Array.from({ length: 255 }, (_, n) => ({ name: `made-up-${sentAtMs}-${n}`, ...fault('x') }))
      const standings = [{ name: 'vlan40', ...fault(`${sentAtMs} ${'x'.repeat(5000)}`) }, ...made]
      reports.take(report('another-host', { ...{ nodeId: id, sentAtMs }, standings }))
    }
    for (let n = 0; n < 100; n += 1) lie(NOW + n)
    expect(news.filter((text) => text.startsWith('vlan40: manager1: '))).toHaveLength(20)
    expect(news.at(-1)).toBe('manager1: its faults come and go too often: what follows is logged again in a minute')
    expect([news.length, events.length]).toEqual([21, 21])
    expect(Math.max(...news.map((text) => text.length))).toBeLessThan(1100)
    clock.nowMs += 60_000
    lie(NOW + 1000)
    expect(news).toHaveLength(22)
  })

  it('tell each fault of a node once, in the log too, and that it is over', () => {
    const { reports, news, events, id, cluster, tell } = told()
    cluster.settle([definition()])
    tell()
    news.length = 0
    events.length = 0
    const faulty = (message: string | undefined, sentAtMs: number) =>
      report('manager1', {
        ...{ nodeId: id, sentAtMs },
        standings: [
          {
            ...{ name: 'vlan40', isAsWanted: message === undefined, mended: [], attached: sentAtMs % 2 },
            faults: message === undefined ? [] : [{ code: 'parent-down', message }],
          },
        ],
      })
    reports.take(faulty('bond0.40 is down', NOW))
    reports.take(faulty('bond0.40 is down', NOW + 1))
    reports.take(faulty(undefined, NOW + 2))
    expect(news).toEqual(['vlan40: manager1: bond0.40 is down', 'vlan40: manager1 has no fault in vlan40 any more'])
    expect(events).toEqual(['node-fault', 'node-fault-over'])
  })
})

describe('news of networks', () => {
  it('are told once each, from the record to its removal', () => {
    const { cluster, tell, news } = told()
    const settle = () => {
      cluster.settle([definition()])
      tell()
    }
    settle()
    expect(news.filter((text) => text.startsWith('vlan40: '))).toEqual([
      'vlan40: it is active',
      'vlan40: the swarm network is there',
    ])
    news.length = 0
    tell()
    cluster.join('worker1')
    settle()
    expect(news.filter((text) => text.startsWith('vlan40: '))).toEqual(['vlan40: what is active has changed'])
    news.length = 0
    cluster.records.delete('vlan40')
    tell()
    expect(news).toContain('vlan40: it is removed')
  })
})
