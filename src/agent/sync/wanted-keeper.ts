/** Which of the wanted states that were ever given counts: the one with the highest revision, also after a reboot. */
import type { Logger } from '../../foundation/logger.ts'
import type { WantedState } from '../../swarm/wanted.ts'
import type { AgentMemory } from '../ports.ts'

/** For how long another controller is not believed that says something else of the same revision. */
const TRUSTED_MS = 15_000

export interface WantedKeeper {
  /** Of that node; a node that left the swarm and joined again has another id, and nothing is wanted of it yet. */
  current(nodeId: string): WantedState | undefined
  /** 0: none. */
  revision(nodeId: string): number
  /** `from`: whose answer it is. Resolves when it is kept, or was not taken. */
  offer(wanted: WantedState, from: string): Promise<void>
}

export interface WantedKeeperDeps {
  readonly memory: Pick<AgentMemory, 'wanted' | 'keepWanted'>
  readonly logger: Logger
  readonly now: () => number
  readonly onTaken: () => void
}

export function createWantedKeeper({ memory, logger, now, onTaken }: WantedKeeperDeps): WantedKeeper {
  let taken = memory.wanted()
  let giver: { readonly from: string; heardAtMs: number } | undefined
  let keeping: Promise<void> = Promise.resolve()

  const current = (nodeId: string) => (taken?.nodeId === nodeId ? taken : undefined)

  /**
   * Two controllers may, for a moment, have read different things of one revision: not what both say counts, but what one
   * of them goes on to say.
   */
  const counts = (wanted: WantedState, from: string): boolean => {
    const known = current(wanted.nodeId)
    if (known === undefined || wanted.revision > known.revision) return true
    if (wanted.revision < known.revision) return false
    return giver === undefined || giver.from === from || now() - giver.heardAtMs > TRUSTED_MS
  }

  return {
    current,
    revision: (nodeId) => current(nodeId)?.revision ?? 0,
    async offer(wanted, from) {
      if (!counts(wanted, from)) return
      giver = { from, heardAtMs: now() }
      if (JSON.stringify(wanted) === JSON.stringify(taken)) return
      taken = wanted
      const networks = wanted.networks.map(({ name }) => name)
      logger.info(
        { event: 'wanted-taken', revision: wanted.revision, controller: from, networks },
        `what is wanted of this node is revision ${wanted.revision}`,
      )
      onTaken()
      keeping = keeping.then(() => memory.keepWanted(wanted))
      await keeping
    },
  }
}
