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
  publishNodes({ nodes, managers: { get: (id) => statuses.get(id), onChange: managers.add }, reports, logger, tell })
  publishNetworks({ records, networks, tell })
  model.tell()
  const lead = (given: Readonly<Record<string, ManagerStatus>>) => {
    statuses.clear()
    for (const [node, status] of Object.entries(given)) statuses.set(node, status)
    managers.tell()
  }
  return { ...model, id, news, events, reports, lead }
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

  it('tell each fault of a node once, in the log too, and that it is over', () => {
    const { reports, news, events, id } = told()
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
