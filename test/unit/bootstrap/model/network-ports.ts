/**
 * The ports of networks over a modelled cluster, with faults on demand. Time passes by itself: each turn every agent has
 * its say and Swarm places what it can.
 */

import type { DefinitionSet, NetworkDefinition } from '../../../../src/bootstrap/definition/definition.ts'
import type { ServiceUse } from '../../../../src/bootstrap/plan/words.ts'
import type { Definitions } from '../../../../src/bootstrap/ports.ts'
import type { BootstrapSwarm } from '../../../../src/bootstrap/reconcile/observe.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import type { AgentReports } from '../../../../src/swarm/ports.ts'
import type { WriteResult } from '../../../../src/swarm/write-result.ts'
import { asSet, type ModelledCluster, modelledCluster } from './cluster.ts'

export function modelledBootstrap(defined: readonly NetworkDefinition[], cluster: ModelledCluster = modelledCluster()) {
  const listeners = new Set<() => void>()
  const onChange = (listener: () => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  const tell = () => {
    for (const listener of [...listeners]) listener()
  }
  /** Each write, as it is sent; those that were refused too. */
  const writes: string[] = []
  const faults: { readonly of: string; readonly result: WriteResult }[] = []
  const state = { inSync: true, set: asSet(defined) as DefinitionSet, uses: [] as ServiceUse[] }

  /** Somebody else's moment comes before each write. */
  let before = (_write: string) => {}

  const write = (what: string, take: () => boolean): WriteResult => {
    writes.push(what)
    before(what)
    const at = faults.findIndex(({ of }) => what.startsWith(of))
    const [fault] = at < 0 ? [] : faults.splice(at, 1)
    if (fault !== undefined) return fault.result
    const isTaken = take()
    tell()
    return isTaken ? { kind: 'committed' } : { kind: 'conflict' }
  }

  const base = { network: '', text: '' }
  const swarm: BootstrapSwarm = {
    nodes: {
      list: () => [...cluster.nodes.values()],
      get: (id) => cluster.nodes.get(id),
      sync: () => ({ inSync: state.inSync, reason: state.inSync ? '' : 'no leader' }),
      onChange,
      refresh: async () => {},
      write: async (one) =>
        write(`node ${cluster.nodes.get(one.id)?.hostname}`, () =>
          cluster.take({ ...base, do: 'write-node', write: one }),
        ),
    },
    tasks: { list: () => cluster.observed().tasks, readAtMs: () => cluster.now(), onChange, refresh: async () => {} },
    networks: {
      current: () => cluster.observed().networks,
      onChange,
      read: async () => cluster.observed().networks,
      engine: async () => cluster.observed().engine,
      create: async ({ name, driver, configFrom }) =>
        write('create', () => cluster.take({ do: 'create-network', network: name, text: '', driver, configFrom })),
      remove: async (id) => write('remove', () => cluster.take({ ...base, do: 'remove-network', id })),
    },
    records: {
      all: () => cluster.observed().records,
      unreadable: () => new Map(),
      revisionOf: (name) => cluster.observed().revisions.get(name),
      revision: () => Math.max(0, ...cluster.observed().revisions.values()),
      onChange,
      refresh: async () => {},
      async update(name, change) {
        const current = cluster.observed().records.get(name)
        const next = change(current)
        if (next === current) return
        const result = write(`record ${name}`, () => {
          const again = cluster.observed().records.get(name)
          const decided = change(again)
          if (decided === again) return true
          return cluster.take({
            ...{ do: 'write-record', network: name, text: '' },
            ...(again === undefined ? {} : { basis: again }),
            ...(decided === undefined ? { do: 'remove-record', basis: again } : { record: decided }),
          } as Parameters<ModelledCluster['take']>[0])
        })
        if (result.kind === 'committed') return
        const message = 'message' in result ? result.message : 'others'
        throw new Fault(result.kind === 'rejected' ? 'write-rejected' : 'engine-unavailable', message)
      },
    },
    serviceUses: () => state.uses,
    serviceName: (id) => id,
  }
  const reports: AgentReports = {
    get: (id) => cluster.observed().reports.find(({ report }) => report.nodeId === id),
    list: () => cluster.observed().reports,
    onChange,
  }
  const definitions: Definitions = { current: () => state.set, onChange }

  const turn = () => {
    cluster.pass(1000)
    for (const id of cluster.nodes.keys()) cluster.agent(id)
    cluster.schedule()
    tell()
  }

  return {
    ...{ cluster, swarm, reports, definitions, writes, state, turn, tell, now: cluster.now },
    /** The next write that begins so ends so, and is not in force. */
    fail: (of: string, result: WriteResult) => void faults.push({ of, result }),
    beforeEachWrite(meet: (write: string) => void) {
      before = meet
    },
    /** Agents and Swarm go on while `work` does; ends with it. */
    async whileOthersWork<T>(work: Promise<T>): Promise<T> {
      const timer = setInterval(turn, 5)
      try {
        return await work
      } finally {
        clearInterval(timer)
      }
    },
  }
}

export type ModelledBootstrap = ReturnType<typeof modelledBootstrap>
