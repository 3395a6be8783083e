/** Every task of some services that ever failed, by the engine's own word: asked for so often that none is missed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabNode } from '../../lab/lab.ts'
import { allTasks } from './observed-networks.ts'

export interface FailedTasks {
  /** `web failed on <node>: no available IPv4 addresses …`, one each. */
  seen(): readonly string[]
  stop(): Promise<void>
}

const FAILED = new Set(['failed', 'rejected', 'orphaned'])
const EVERY_MS = 150

export function watchFailedTasks(node: LabNode, services: readonly string[]): FailedTasks {
  const failed = new Map<string, string>()
  const stopping = new AbortController()
  /** None of a service that is not there. */
  const tasksOf = async (service: string) =>
    await allTasks(node, service).catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404) throw error
      return []
    })
  const look = async () => {
    for (const service of services) {
      for (const { ID, NodeID = 'no node', Status } of await tasksOf(service)) {
        if (FAILED.has(Status.State)) failed.set(ID, `${service} ${Status.State} on ${NodeID}: ${Status.Err ?? ''}`)
      }
    }
  }
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      await look()
      await sleep(EVERY_MS)
    }
  })()
  return {
    seen: () => [...failed.values()],
    async stop() {
      stopping.abort()
      await watching
      await look()
    },
  }
}
