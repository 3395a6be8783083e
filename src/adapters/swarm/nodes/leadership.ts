/**
 * The port `Managers`. The engine adds who leads to its answers: it changes without a new version of the node and without an
 * event, so that only asking tells. Nobody is asked while nobody looks.
 */

import { createListeners } from '../../../foundation/listeners.ts'
import { createFailureLog } from '../../../foundation/log-once.ts'
import type { Logger } from '../../../foundation/logger.ts'
import { createWakeableTimer } from '../../../foundation/wakeable-timer.ts'
import type { ManagerStatus } from '../../../swarm/nodes.ts'
import type { Managers } from '../../../swarm/ports.ts'
import type { Engine } from '../engine/engine-connection.ts'
import { at, textAt } from '../engine/engine-json.ts'
import type { Timing } from '../engine/timing.ts'

export interface ManagersDeps {
  readonly engine: Engine
  readonly logger: Logger
  readonly timing: Pick<Timing, 'managersEveryMs' | 'lookedAtMs' | 'leaderReadTimeoutMs'>
  readonly signal: AbortSignal
}

type Known = ReadonlyMap<string, ManagerStatus>

const NOTHING: Known = new Map()
const FILTERS = JSON.stringify({ role: ['manager'] })

/** `run` returns when the signal is aborted; never throws. */
export function createManagers({ engine, logger, timing, signal }: ManagersDeps): Managers & { run(): Promise<void> } {
  const changes = createListeners<void>(logger)
  const failures = createFailureLog((reason) => logger.warn({ event: 'managers-read-failed' }, reason))
  const { wake, pause } = createWakeableTimer()
  let lookedAt = Number.NEGATIVE_INFINITY
  let known = NOTHING

  const isLookedAt = () => performance.now() - lookedAt < timing.lookedAtMs

  const show = (next: Known) => {
    const isSame = JSON.stringify([...known]) === JSON.stringify([...next])
    known = next
    if (!isSame) changes.tell()
  }

  const read = async () => {
    const call = { method: 'GET', path: '/nodes', endpoint: '/nodes', query: { filters: FILTERS } } as const
    try {
      show(managersIn(await engine.read({ ...call, timeoutMs: timing.leaderReadTimeoutMs, signal })))
      failures.succeeded()
    } catch (error) {
      if (signal.aborted) return
      // Without an answer nobody knows who leads.
      show(NOTHING)
      failures.failed(error)
    }
  }

  return {
    look() {
      const isFirst = !isLookedAt()
      lookedAt = performance.now()
      if (isFirst) wake()
    },
    get: (nodeId) => known.get(nodeId),
    onChange: changes.add,
    async run() {
      while (!signal.aborted) {
        const isAsked = isLookedAt()
        if (isAsked) await read()
        else show(NOTHING)
        await pause(isAsked ? timing.managersEveryMs : Number.POSITIVE_INFINITY, signal)
      }
    },
  }
}

const REACHABILITIES: readonly ManagerStatus['reachability'][] = ['unknown', 'unreachable', 'reachable']

/** From an answer of the engine; what cannot be read is left out. */
function managersIn(raw: unknown): Known {
  const nodes: readonly unknown[] = Array.isArray(raw) ? raw : []
  return new Map(
    nodes.flatMap((node) => {
      const id = textAt(node, 'ID')
      const word = textAt(node, 'ManagerStatus', 'Reachability')
      if (id === undefined || word === undefined) return []
      const reachability = REACHABILITIES.find((one) => one === word) ?? 'unknown'
      return [[id, { isLeader: at(node, 'ManagerStatus', 'Leader') === true, reachability }] as const]
    }),
  )
}
