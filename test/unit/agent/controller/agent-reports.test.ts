import { describe, expect, it } from 'vitest'
import { createAgentReports, createReportHandler } from '../../../../src/agent/controller/agent-reports.ts'
import { wantedOf } from '../../../../src/bootstrap/record/node-part.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'
import { definition, report } from '../../../support/builders/networks.ts'
import { silent } from '../../../support/use-cases/alerts.ts'
import { modelledBootstrap } from '../../bootstrap/model/network-ports.ts'

const status = (isAsWanted: boolean) => ({ name: 'vlan40', isAsWanted, faults: [], mended: [], attached: 0 })

const session = ({ areCertificatesNeeded = false } = {}) => {
  const model = modelledBootstrap([definition()])
  const id = model.cluster.join('manager1', 'manager')
  let nowMs = NOW
  let activated = 0
  const reports = createAgentReports({ nodes: model.swarm.nodes, logger: silent, now: () => nowMs })
  const agents = createReportHandler({
    nodes: model.swarm.nodes,
    reports,
    wantedOf: (nodeId) =>
      wantedOf({ nodeId, records: model.swarm.records.all(), revision: model.swarm.records.revision() }),
    activate: () => {
      activated += 1
    },
    areCertificatesNeeded: () => areCertificatesNeeded,
    logger: silent,
  })
  return {
    ...{ ...model, id, reports, agents },
    activated: () => activated,
    pass(ms: number) {
      nowMs += ms
    },
    of: (over: Parameters<typeof report>[1] = {}) => report('manager1', { nodeId: id, ...over }),
  }
}

describe('what agents report', () => {
  it('takes a report and says what is wanted of that node, and of no other', () => {
    const { cluster, agents, id, of, reports } = session()
    cluster.join('worker1')
    cluster.settle([definition()])
    const wanted = agents.report(id, of(), 'certificate')
    expect(wanted).toMatchObject({ v: 1, nodeId: id, networks: [{ name: 'vlan40', ipv4: { range: '172.80.1.0/24' } }] })
    expect(wanted.revision).toBe(cluster.records.get('vlan40')?.version)
    expect(reports.get(id)?.receivedAtMs).toBe(NOW)
  })

  it('refuses what is not in sync, of another node, or of none', () => {
    const { agents, id, of, state, reports, activated } = session()
    expect(() => agents.report('other', of(), 'certificate')).toThrow(
      expect.objectContaining({ code: 'node-mismatch' }),
    )
    expect(() => agents.report('gone', of({ nodeId: 'gone' }), 'certificate')).toThrow(
      expect.objectContaining({ code: 'unknown-node' }),
    )
    state.inSync = false
    expect(() => agents.report(id, of(), 'certificate')).toThrow(
      expect.objectContaining({ code: 'not-in-sync', retryAfterMs: 2000 }),
    )
    expect(reports.list()).toEqual([])
    expect(activated()).toBe(3)
  })

  it('believes a token of a node that has not proven itself yet, and never again once it has', () => {
    const { agents, id, of, cluster, reports } = session()
    const worker = cluster.join('worker1')
    expect(agents.report(id, of(), 'token')).toMatchObject({ nodeId: id })
    expect(agents.report(worker, of({ nodeId: worker }), 'certificate')).toMatchObject({ nodeId: worker })
    const forged = of({ nodeId: worker, startedAtMs: 9e15 })
    expect(() => agents.report(worker, forged, 'token')).toThrow(
      expect.objectContaining({ code: 'certificate-needed' }),
    )
    expect(reports.get(worker)?.report.startedAtMs).not.toBe(9e15)
  })

  it('believes no token where certificates are there and nobody was given one', () => {
    const { agents, id, of, reports } = session({ areCertificatesNeeded: true })
    expect(() => agents.report(id, of(), 'token')).toThrow(expect.objectContaining({ code: 'certificate-needed' }))
    expect(reports.list()).toEqual([])
  })
})

describe('the reports of agents', () => {
  const taken = () => {
    const all = session()
    const seen: string[] = []
    all.reports.onNews(({ agentVersion }) => void seen.push(agentVersion))
    let changes = 0
    all.reports.onChange(() => {
      changes += 1
    })
    const version = () => all.reports.get(all.id)?.report.agentVersion
    return { ...all, seen, changes: () => changes, version }
  }

  it('are the newest of each agent: what comes late is dropped', () => {
    const { reports, of, version, changes } = taken()
    reports.take(of({ sentAtMs: NOW, agentVersion: 'second' }))
    reports.take(of({ sentAtMs: NOW - 1, agentVersion: 'first' }))
    reports.take(of({ sentAtMs: NOW + 9, startedAtMs: NOW - 9_999_999, agentVersion: 'of the process before' }))
    expect([version(), changes()]).toEqual(['second', 1])
    reports.take(of({ sentAtMs: NOW + 1, agentVersion: 'third' }))
    reports.take(of({ sentAtMs: NOW - 5, startedAtMs: NOW - 5, agentVersion: 'of a new process' }))
    expect([version(), changes()]).toEqual(['of a new process', 3])
  })

  it('of a clock that was set back count again after a silence', () => {
    const { reports, of, version, pass } = taken()
    reports.take(of({ sentAtMs: NOW, agentVersion: 'before' }))
    pass(20_000)
    reports.take(of({ sentAtMs: NOW - 3_600_000, agentVersion: 'after' }))
    expect(version()).toBe('after')
  })

  it('go with the node, and not because the Swarm cannot be read', () => {
    const { reports, of, cluster, id, state, tell } = taken()
    reports.take(of())
    state.inSync = false
    cluster.nodes.delete(id)
    tell()
    expect(reports.list()).toHaveLength(1)
    state.inSync = true
    tell()
    expect(reports.list()).toEqual([])
  })

  it('tell news only of what concerns networks, or of an agent that was silent', () => {
    const { reports, of, seen, pass } = taken()
    reports.take(of({ agentVersion: '1', standings: [status(true)] }))
    reports.take(of({ agentVersion: '2', sentAtMs: NOW + 1, standings: [status(true)] }))
    reports.take(of({ agentVersion: '3', sentAtMs: NOW + 2, standings: [status(false)] }))
    reports.take(of({ agentVersion: '4', sentAtMs: NOW + 3, standings: [status(false)], revision: 9 }))
    reports.take(of({ agentVersion: '5', sentAtMs: NOW + 4, standings: [status(false)], revision: 9 }))
    pass(15_000)
    reports.take(of({ agentVersion: '6', sentAtMs: NOW + 5, standings: [status(false)], revision: 9 }))
    expect(seen).toEqual(['1', '3', '4', '6'])
  })

  it('remember since when a network is not as wanted, without a break', () => {
    const { reports, of, id, pass } = taken()
    const since = () => reports.get(id)?.notAsWantedSinceMs?.get('vlan40')
    reports.take(of({ standings: [status(false)] }))
    pass(5_000)
    reports.take(of({ sentAtMs: NOW + 1, standings: [status(false)] }))
    expect(since()).toBe(NOW)
    reports.take(of({ sentAtMs: NOW + 2, standings: [status(true)] }))
    expect(since()).toBeUndefined()
    reports.take(of({ sentAtMs: NOW + 3, standings: [status(false)] }))
    expect(since()).toBe(NOW + 5_000)
  })
})
