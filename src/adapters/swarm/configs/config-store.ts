/**
 * A record that all controllers share, in the labels of a Swarm config. Labels of a config can be changed and are
 * version-checked; its data cannot, so that is one byte. Reads and writes of this controller never overlap.
 */
import pRetry, { AbortError } from 'p-retry'
import type { SeenAt } from '../../../foundation/clock.ts'
import { Fault } from '../../../foundation/errors.ts'
import { createListeners } from '../../../foundation/listeners.ts'
import type { Logger } from '../../../foundation/logger.ts'
import type { SharedStore } from '../../../swarm/ports.ts'
import type { Engine } from '../engine/engine-connection.ts'
import { EngineError, unavailable, writeResult } from '../engine/engine-errors.ts'
import type { EngineEvent } from '../engine/event-stream.ts'
import type { Timing } from '../engine/timing.ts'
import { createConfigObject, isRace } from './config-object.ts'

const MAX_RETRIES = 5

type Labels = Readonly<Record<string, string>>

/** Between a record and its labels. */
export interface LabelCodec<State> {
  readonly empty: State
  /** `seenAtMs`: when this controller first saw a label as it is. Times ahead of that are of another clock. */
  decode(labels: Labels, seenAtMs: SeenAt): State
  /**
   * The labels to write, given those that were read; those it does not know stay. What has ended by `nowMs` goes.
   * `undefined`: there is to be no such config.
   */
  encode(state: State, labels: Labels, seenAtMs: SeenAt, nowMs: number): Labels | undefined
}

export interface ConfigStore<State> extends SharedStore<State> {
  /** Reads the config. Throws EngineError. */
  load(): Promise<void>
  /** Takes it from a list of configs that was read for several stores, in the turn they share. */
  take(list: readonly unknown[]): void
  /** Version.Index as last read; absent: there is none, or it was written since. */
  version(): number | undefined
  onEvent(event: EngineEvent): void
}

/** Lets tasks run one after another. */
export type Turns = <T>(task: () => Promise<T>) => Promise<T>

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const turn = last.then(task, task)
    last = turn.catch(() => undefined)
    return turn
  }
}

export interface ConfigStoreDeps<State> {
  /** Of the config. */
  readonly name: string
  readonly codec: LabelCodec<State>
  readonly engine: Engine
  readonly now: () => number
  readonly logger: Logger
  readonly timing: Pick<Timing, 'readTimeoutMs' | 'writeTimeoutMs'>
  readonly signal: AbortSignal
  /** An announced change could not be read. */
  readonly onMissed: () => void
  /** Of stores that are read together: one turn for all of them, and a read that ends with `take` on each. */
  readonly together?: { readonly inTurn: Turns; readonly read: () => Promise<void> }
}

export function createConfigStore<State>(deps: ConfigStoreDeps<State>): ConfigStore<State> {
  const { name: configName, codec, engine, now, logger, timing, signal, onMissed } = deps
  const config = createConfigObject({ engine, name: configName, timing, signal })
  const inTurn = deps.together?.inTurn ?? createTurns()
  const listeners = createListeners<State>(logger)
  let state = codec.empty
  let shownText = '{}'
  let seen = new Map<string, { readonly text: string; readonly atMs: number }>()
  const seenAtMs = (label: string) => seen.get(label)?.atMs ?? now()
  let loadWaiting: Promise<void> | undefined

  const show = () => {
    const labels = config.labels()
    const text = JSON.stringify(labels)
    if (text === shownText) return
    shownText = text
    seen = new Map(
      Object.entries(labels).map(([name, written]) => {
        const known = seen.get(name)
        return [name, known?.text === written ? known : { text: written, atMs: now() }]
      }),
    )
    state = codec.decode(labels, seenAtMs)
    listeners.tell(state)
  }

  const readAlone = async () => {
    await config.read()
    show()
  }
  const read = deps.together?.read ?? readAlone

  const load = (): Promise<void> => {
    loadWaiting ??= inTurn(async () => {
      loadWaiting = undefined
      await read()
    })
    return loadWaiting
  }

  /** The engine compares no version when it removes: what was decided is decided again on what was read just now. */
  const remove = async (change: (state: State) => State) => {
    if (!config.exists()) return
    await read()
    if (codec.encode(change(state), config.labels(), seenAtMs, 0) === undefined) await config.remove()
    else throw new EngineError('status', 'A config changed before it could be removed.', { status: 409 })
  }

  /** One try. Throws EngineError of what another try after reading again may mend, AbortError of what it may not. */
  const tryUpdate = async (change: (state: State) => State) => {
    try {
      if (config.mustRead()) await read()
      const labels = config.labels()
      const next = change(state)
      // An ended pause alone is no reason to write; it goes with the next write that there is.
      const wanted = codec.encode(next, labels, seenAtMs, 0)
      if (wanted === undefined) await remove(change)
      else if (!sameLabels(wanted, labels)) await config.write(codec.encode(next, labels, seenAtMs, now()) ?? wanted)
      show()
    } catch (error) {
      throw error instanceof EngineError && isWorthRetrying(error) ? error : new AbortError(asError(error))
    }
  }

  return {
    current: () => state,
    onChange: listeners.add,
    load,
    take(list) {
      config.take(list)
      show()
    },
    version: config.version,
    async update(change) {
      const retry = { retries: MAX_RETRIES, minTimeout: 20, factor: 2, randomize: true, signal }
      await inTurn(() => pRetry(() => tryUpdate(change), retry)).catch((error: unknown) => {
        if (!(error instanceof EngineError)) throw signal.aborted ? unavailable(error) : error
        if (writeResult(error).kind === 'rejected' && !isRace(error)) {
          throw new Fault('write-rejected', `The engine refuses the config ${configName}: ${error.message}`, {
            cause: error,
          })
        }
        throw isRace(error) ? exhausted(configName, error) : unavailable(error)
      })
    },
    onEvent({ name, action, timeNano }) {
      if (name !== configName || (action !== 'remove' && config.isOf(timeNano))) return
      load().catch((error: unknown) => {
        if (signal.aborted) return
        logger.warn({ event: 'shared-state-read-failed', err: error }, `the config ${configName} could not be read`)
        onMissed()
      })
    },
  }
}

function isWorthRetrying(error: EngineError): boolean {
  const { kind } = writeResult(error)
  // `gone`: removed by hand, so it is created anew. 409: another controller created it first.
  return isRace(error) || kind === 'gone' || kind === 'unknown'
}

function exhausted(configName: string, cause: EngineError): Fault {
  const message = `Others changed the config ${configName} at the same time, ${MAX_RETRIES + 1} times in a row.`
  return new Fault('conflicts-exhausted', message, { cause, retryAfterMs: 1000 })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

function sameLabels(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}
