/** The process of simulated agents, from outside. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { SwarmIdentity } from '../../src/swarm/identity.ts'
import type { NodeReport } from '../../src/swarm/node-report.ts'

export interface SimulatedNode {
  readonly id: string
  readonly hostname: string
  readonly address: string
  /** Absent: it speaks plain HTTP. */
  readonly identity?: SwarmIdentity
}

export type ContainersByNode = readonly (readonly [string, NodeReport['containers']])[]

export type AgentsOrder =
  | {
      readonly kind: 'start'
      readonly url: string
      readonly token: string | undefined
      readonly nodes: readonly SimulatedNode[]
    }
  | { readonly kind: 'containers'; readonly containers: ContainersByNode }
  | { readonly kind: 'report'; readonly isReporting: boolean }
  | { readonly kind: 'tell' }

/** Since it was told last. */
export interface AgentsTold {
  readonly answered: number
  readonly refused: number
  /** Left out, since the answer to the one before had not come. */
  readonly late: number
  /** Of the bodies that were taken, and what all answers took together. */
  readonly bytes: number
  readonly tookMs: number
  /** Why the last one was not taken, if any was not. */
  readonly silent: string
}

export interface SimulatedAgents {
  /** From now on they have these, and no others. */
  have(containers: ContainersByNode): void
  report(isReporting: boolean): void
  tell(): Promise<AgentsTold>
  close(): void
}

export function startAgents(of: Omit<Extract<AgentsOrder, { kind: 'start' }>, 'kind'>): SimulatedAgents {
  const child = fork(join(import.meta.dirname, 'agents-process.ts'), { execArgv: ['--import', 'tsx'] })
  const send = (order: AgentsOrder) => void child.send(order)
  send({ kind: 'start', ...of })
  return {
    have: (containers) => send({ kind: 'containers', containers }),
    report: (isReporting) => send({ kind: 'report', isReporting }),
    async tell() {
      send({ kind: 'tell' })
      const [told] = (await once(child, 'message')) as [AgentsTold]
      return told
    },
    close: () => void child.kill(),
  }
}
