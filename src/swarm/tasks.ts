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
  /** Why, where Swarm says. */
  readonly error?: string
  /** Ids of swarm networks that it is attached to. */
  readonly networkIds: readonly string[]
}
