/** Tasks, as the managers know them. */
export interface SwarmTask {
  readonly id: string
  readonly serviceId: string
  /** Absent until it is assigned. */
  readonly nodeId?: string
  /** Of a replicated service. */
  readonly slot?: number
  /** Swarm's words: running, shutdown, remove, … */
  readonly desiredState: string
  /** Swarm's words: new, pending, assigned, …, running, complete, shutdown, failed, rejected, remove, orphaned. */
  readonly state: string
  /** What it is doing, where Swarm says: `started`, `no suitable node (…)`. */
  readonly message?: string
  /** Why it failed or waits, where Swarm says. */
  readonly error?: string
  /** Absent until a container was made for it. */
  readonly containerId?: string
  /** Ms since the epoch, by the clocks of managers; absent where Swarm does not say. */
  readonly createdAtMs?: number
  readonly updatedAtMs?: number
  /** When its state was last reported, by the clock of its node. */
  readonly statusAtMs?: number
  /** Ids of swarm networks that it is attached to. */
  readonly networkIds: readonly string[]
}
