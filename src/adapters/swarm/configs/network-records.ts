/**
 * The port `Records`: a config `orrery-network-<name>` for each network. They are read together with every other config
 * of ours, in one list, so that the revision told to agents and what the records say are of one moment.
 */

import type { Records } from '../../../bootstrap/ports.ts'
import { type NetworkRecord, RECORD_PREFIX } from '../../../bootstrap/record/record.ts'
import type { SeenAt } from '../../../foundation/clock.ts'
import { Fault } from '../../../foundation/errors.ts'
import { createListeners } from '../../../foundation/listeners.ts'
import { orUnavailable } from '../engine/engine-errors.ts'
import { textAt } from '../engine/engine-json.ts'
import type { EngineEvent } from '../engine/event-stream.ts'
import { listConfigs, versionOfConfig } from './config-object.ts'
import { type ConfigStore, type ConfigStoreDeps, createConfigStore, createTurns } from './config-store.ts'

/** Every config of ours begins so. */
const OUR_PREFIX = 'orrery-'

type Labels = Readonly<Record<string, string>>

/** Between a record and the labels of its config. */
export interface RecordCodec {
  /** The reason why it cannot be understood, where it cannot. */
  decode(labels: Labels, seenAtMs: SeenAt): NetworkRecord | { readonly unreadable: string }
  /** The labels to write, given those that were read. */
  encode(record: NetworkRecord, labels: Labels, seenAtMs: SeenAt): Labels
}

/** What one config holds; neither: there is none. */
interface Held {
  readonly record?: NetworkRecord
  readonly unreadable?: string
}

export interface RecordStore extends Records {
  /** Reads them all. Throws EngineError. */
  load(): Promise<void>
  onEvent(event: EngineEvent): void
}

export interface RecordStoreDeps extends Omit<ConfigStoreDeps<Held>, 'name' | 'codec' | 'together'> {
  readonly codec: RecordCodec
}

export function createNetworkRecords(deps: RecordStoreDeps): RecordStore {
  const { codec, engine, logger, timing, signal, onMissed } = deps
  const changes = createListeners<void>(logger)
  const stores = new Map<string, ConfigStore<Held>>()
  const inTurn = createTurns()
  let revision = 0
  /** How many configs are ours. */
  let known = 0
  let lastVersions: string | undefined
  let reading: Promise<void> | undefined

  const labelCodec = {
    empty: {},
    decode(labels: Labels, seenAtMs: SeenAt): Held {
      // Of a config that is not there; a record always has labels.
      if (Object.keys(labels).length === 0) return {}
      const decoded = codec.decode(labels, seenAtMs)
      return 'unreadable' in decoded ? decoded : { record: decoded }
    },
    encode: ({ record, unreadable }: Held, labels: Labels, seenAtMs: SeenAt) => {
      if (unreadable !== undefined) return labels
      return record === undefined ? undefined : codec.encode(record, labels, seenAtMs)
    },
  }

  const readTogether = async () => {
    const list = await listConfigs({ engine, prefix: OUR_PREFIX, known, timing, signal })
    const ours = list.filter((raw) => textAt(raw, 'Spec', 'Name')?.startsWith(OUR_PREFIX))
    for (const raw of ours) {
      const name = textAt(raw, 'Spec', 'Name') ?? ''
      if (name.startsWith(RECORD_PREFIX)) storeOf(name.slice(RECORD_PREFIX.length))
    }
    for (const store of stores.values()) store.take(ours)
    known = ours.length
    revision = Math.max(revision, ...ours.map(versionOfConfig))
    const versions = ours.map((raw) => `${textAt(raw, 'ID')} ${versionOfConfig(raw)}`).join()
    if (versions === lastVersions) return
    lastVersions = versions
    changes.tell()
  }

  const storeOf = (network: string): ConfigStore<Held> => {
    const known = stores.get(network)
    if (known !== undefined) return known
    const name = `${RECORD_PREFIX}${network}`
    const together = { inTurn, read: readTogether }
    const store = createConfigStore<Held>({ ...deps, name, codec: labelCodec, together })
    stores.set(network, store)
    return store
  }

  /** A read that starts after the call; those who ask meanwhile share one. */
  const load = (): Promise<void> => {
    reading ??= inTurn(async () => {
      reading = undefined
      await readTogether()
    })
    return reading
  }

  const held = <T>(pick: (held: Held) => T | undefined): ReadonlyMap<string, T> => {
    const found = new Map<string, T>()
    for (const [network, store] of stores) {
      const picked = pick(store.current())
      if (picked !== undefined) found.set(network, picked)
    }
    return found
  }

  return {
    all: () => held(({ record }) => record),
    unreadable: () => held(({ unreadable }) => unreadable),
    revisionOf: (network) => stores.get(network)?.version(),
    revision: () => revision,
    onChange: changes.add,
    load,
    refresh: () => orUnavailable(load()),
    async update(network, change) {
      await storeOf(network).update((before) => {
        if (before.unreadable !== undefined) {
          const message = `The record of the network ${network} cannot be understood: ${before.unreadable}`
          throw new Fault('write-rejected', message)
        }
        const record = change(before.record)
        if (record === before.record) return before
        return record === undefined ? {} : { record }
      })
      // The write's own version comes with the next read only.
      await load().catch((error: unknown) => {
        logger.debug({ event: 'shared-state-read-failed', err: error }, 'the records could not be read after a write')
        onMissed()
      })
    },
    onEvent({ name }) {
      if (!name.startsWith(RECORD_PREFIX)) return
      load().catch((error: unknown) => {
        if (signal.aborted) return
        logger.warn({ event: 'shared-state-read-failed', err: error }, 'the records of networks could not be read')
        onMissed()
      })
    },
  }
}
