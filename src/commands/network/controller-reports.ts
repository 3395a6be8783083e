/** The port `AgentReports` for a command: what a controller has heard, asked for again and again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Value } from '@sinclair/typebox/value'
import { messageOf } from '../../foundation/errors.ts'
import type { WireNode } from '../../http/wire/node.ts'
import { type HeardReport, type NodeReport, NodeReportSchema } from '../../swarm/node-report.ts'
import type { AgentReports } from '../../swarm/ports.ts'
import { type Answer, type Call, problemText } from '../controller-client.ts'
import type { Unheard } from './session.ts'

const ASK_EVERY_MS = 1000

export interface ControllerReports extends AgentReports {
  /** As of the last time it was asked. */
  unheard(): Unheard | undefined
  close(): Promise<void>
}

export interface ControllerReportsDeps {
  /** Throws Error when nobody answers. */
  readonly call: (call: Call) => Promise<Answer>
  readonly now: () => number
  readonly askEveryMs?: number
}

/** Resolves when it was asked once, whatever came of it. Never rejects. */
export async function askForReports(deps: ControllerReportsDeps): Promise<ControllerReports> {
  const { call, now, askEveryMs = ASK_EVERY_MS } = deps
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  let heard: ReadonlyMap<string, HeardReport> = new Map()
  let unheard: Unheard | undefined

  const ask = async () => {
    try {
      const answer = await call({ path: '/v1/node', query: { report: 'true', addresses: 'false' } })
      const passes = answer.status === 503 && ({ passes: true } as const)
      unheard = answer.status === 200 ? undefined : { reason: problemText(answer), isThere: true, ...passes }
      // What was heard before stays: it gets old by itself.
      if (answer.status === 200) heard = reportsOf(answer.text, now())
    } catch (error) {
      unheard = { reason: messageOf(error), isThere: false }
    }
    for (const listener of listeners) listener()
  }

  const askOn = async () => {
    while (!closing.signal.aborted) {
      // Aborted: the loop ends.
      await sleep(askEveryMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined)
      if (!closing.signal.aborted) await ask()
    }
  }

  await ask()
  const asking = askOn()
  return {
    get: (nodeId) => heard.get(nodeId),
    list: () => [...heard.values()],
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    unheard: () => unheard,
    async close() {
      closing.abort()
      await asking
    },
  }
}

/** Times are the controller's; here they count as ages, since the clocks may differ. */
function reportsOf(text: string, nowMs: number): ReadonlyMap<string, HeardReport> {
  const { at, nodes }: { at: string; nodes: readonly WireNode[] } = JSON.parse(text)
  const heard = new Map<string, HeardReport>()
  for (const { id, agent, report } of nodes) {
    // Another version's: as good as none.
    if (agent.reportedAt === undefined || !isReport(report)) continue
    const ageMs = Math.max(0, Date.parse(at) - Date.parse(agent.reportedAt))
    heard.set(id, { report, receivedAtMs: nowMs - ageMs })
  }
  return heard
}

const isReport = (report: unknown): report is NodeReport => Value.Check(NodeReportSchema, report)
