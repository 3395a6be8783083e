/**
 * Which of the wanted states that were ever given counts: the one with the highest revision, also after a reboot. Revisions
 * go back only where a Swarm was restored or a revision was made up: that is believed when nobody says otherwise any more.
 */
import type { Logger } from '../../foundation/logger.ts'
import type { WantedState } from '../../swarm/wanted.ts'
import type { AgentMemory } from '../ports.ts'

/** For how long another controller is not believed that says something else of the same revision. */
const TRUSTED_MS = 15_000

export interface WantedKeeper {
  /** Of that node; a node that left the swarm and joined again has another id, and nothing is wanted of it yet. */
  current(nodeId: string): WantedState | undefined
  /** Resolves when it is kept, or was not taken. */
  offer(wanted: WantedState, from: Giver): Promise<void>
}

/** Whose answer it is. */
export interface Giver {
  readonly url: string
  /** By its certificate it is what it says it is; without one it is whoever answers at that address. */
  readonly isProven: boolean
}

export interface WantedKeeperDeps {
  readonly memory: Pick<AgentMemory, 'wanted' | 'keepWanted'>
  readonly logger: Logger
  readonly now: () => number
  readonly onTaken: () => void
}

export function createWantedKeeper({ memory, logger, now, onTaken }: WantedKeeperDeps): WantedKeeper {
  let taken = memory.wanted()
  let giver: { readonly url: string; heardAtMs: number } | undefined
  /** When a controller last knew at least what is known here; at the start nobody could have been heard. */
  let confirmedAtMs = now()
  let provenAtMs = Number.NEGATIVE_INFINITY
  let keeping: Promise<void> = Promise.resolve()

  const current = (nodeId: string) => (taken?.nodeId === nodeId ? taken : undefined)

  /**
   * Two controllers may, for a moment, have read different things of one revision: not what both say counts, but what one
   * of them goes on to say.
   */
  const counts = (wanted: WantedState, { url, isProven }: Giver): boolean => {
    const known = current(wanted.nodeId)
    // Whoever can prove nothing is not heard beside one who can.
    if (!isProven && now() - provenAtMs <= TRUSTED_MS) return false
    if (known === undefined || wanted.revision > known.revision) return true
    if (wanted.revision < known.revision) return isProven && now() - confirmedAtMs > TRUSTED_MS
    return giver === undefined || giver.url === url || now() - giver.heardAtMs > TRUSTED_MS
  }

  return {
    current,
    async offer(wanted, from) {
      const isCounted = counts(wanted, from)
      if (from.isProven) provenAtMs = now()
      if (!isCounted) return
      const before = current(wanted.nodeId)?.revision ?? 0
      if (wanted.revision < before) {
        const fields = { event: 'revision-went-back', revision: wanted.revision, before, controller: from.url }
        logger.warn(
          fields,
          `what is wanted goes back to revision ${wanted.revision}: no controller knows ${before} any longer`,
        )
      }
      giver = { url: from.url, heardAtMs: now() }
      confirmedAtMs = now()
      if (JSON.stringify(wanted) === JSON.stringify(taken)) return
      taken = wanted
      const networks = wanted.networks.map(({ name }) => name)
      logger.info(
        { event: 'wanted-taken', revision: wanted.revision, controller: from.url, networks },
        `what is wanted of this node is revision ${wanted.revision}`,
      )
      onTaken()
      keeping = keeping.then(() => memory.keepWanted(wanted))
      await keeping
    },
  }
}
