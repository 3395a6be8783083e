/**
 * The alert state as this controller sees it: what the Swarm config says, with what is not written yet on top. Most changes can
 * wait a moment and are written together; what a caller was promised is written before it is answered.
 */

import { Fault } from '../../foundation/errors.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { AlertState } from '../alerts/alert-state.ts'
import type { AlertStore } from '../ports.ts'

export type AlertChange = (state: AlertState) => AlertState

/** How long what can wait is gathered. */
const GATHER_MS = 1000
/** What failed is tried again after 1, 2, 4 … times as long. */
const MAX_PAUSE = 32
/** What can wait for an engine that takes nothing; more is forgotten, the oldest first. */
const MAX_WAITING = 1000

export interface AlertBook {
  current(): AlertState
  /** In force here at once, in the Swarm soon. */
  note(change: AlertChange): void
  /** Resolves when it is in the Swarm, at once if nothing is to be written. Throws the Faults of `SharedStore.update`; it is forgotten then. */
  keep(change: AlertChange): Promise<void>
  /** Writes what waits, if it can. */
  close(): Promise<void>
}

interface Entry {
  readonly change: AlertChange
  readonly settle?: (fault?: Fault) => void
}

export function createAlertBook({ store, logger }: { readonly store: AlertStore; readonly logger: Logger }): AlertBook {
  let waiting: readonly Entry[] = []
  let view = store.current()
  let turn: Promise<void> = Promise.resolve()
  let failures = 0
  let ticks = 0

  const look = () => {
    view = applied(waiting, store.current())
  }

  const write = async () => {
    const taken = waiting
    if (taken.length === 0) return
    let fault: Fault | undefined
    try {
      await store.update((state) => applied(taken, state))
    } catch (error) {
      fault = asFault(error)
      if (failures === 0) {
        logger.warn({ event: 'alerts-not-kept', err: error }, 'what is remembered of alerts could not be written')
      }
    }
    failures = fault === undefined ? 0 : failures + 1
    ticks = 0
    const done = new Set(fault === undefined ? taken : taken.filter(({ settle }) => settle !== undefined))
    waiting = waiting.filter((entry) => !done.has(entry))
    look()
    for (const { settle } of done) settle?.(fault)
  }

  const flush = (): Promise<void> => {
    turn = turn.then(write)
    return turn
  }

  const stopLooking = store.onChange(look)
  const timer = setInterval(() => {
    ticks += 1
    const pause = failures === 0 ? 1 : Math.min(2 ** (failures - 1), MAX_PAUSE)
    if (waiting.length > 0 && ticks >= pause) void flush()
  }, GATHER_MS)

  return {
    current: () => view,
    note(change) {
      const next = change(view)
      if (next === view) return
      waiting = [...waiting, { change }]
      view = next
      if (waiting.length <= MAX_WAITING) return
      waiting = withoutOldest(waiting)
      look()
    },
    keep(change) {
      // What was promised to somebody else may still be on its way: then this waits for it too.
      const isPromised = waiting.some(({ settle }) => settle !== undefined)
      if (!isPromised && change(view) === view) return Promise.resolve()
      return new Promise((resolve, reject) => {
        const settle = (fault?: Fault) => (fault === undefined ? resolve() : reject(fault))
        waiting = [...waiting, { change, settle }]
        view = change(view)
        void flush()
      })
    },
    async close() {
      clearInterval(timer)
      stopLooking()
      await flush()
    },
  }
}

/** Nobody waits for it. */
function withoutOldest(entries: readonly Entry[]): readonly Entry[] {
  const oldest = entries.find(({ settle }) => settle === undefined)
  return entries.filter((entry) => entry !== oldest)
}

const applied = (entries: readonly Entry[], state: AlertState): AlertState =>
  entries.reduce((next, { change }) => change(next), state)

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  return new Fault('engine-unavailable', 'what stands could not be kept', { cause: error, retryAfterMs: 1000 })
}
