/** The one write there is: a count together with our label, as a compare-and-swap on the version that was decided on. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { messageOf } from '../../../foundation/errors.ts'
import type { Logger } from '../../../foundation/logger.ts'
import type { CountWrite } from '../../../swarm/ports.ts'
import { STATE_LABEL } from '../../../swarm/services.ts'
import type { WriteResult } from '../../../swarm/write-result.ts'
import type { Engine } from '../engine/engine-connection.ts'
import { EngineError, writeResult } from '../engine/engine-errors.ts'
import type { ObjectReads } from '../engine/object-reads.ts'
import type { Timing } from '../engine/timing.ts'
import type { ServiceCache } from './service-cache.ts'
import { specWithCount } from './service-mapper.ts'

export interface CountWriter {
  /** Never throws. */
  write(write: CountWrite): Promise<WriteResult>
  /** The read that followed the last answered write of this service, once: who asks now need not read again. */
  takeReadAfterWrite(id: string): Promise<void> | undefined
}

export interface CountWriterDeps {
  readonly engine: Engine
  readonly cache: ServiceCache
  readonly reads: Pick<ObjectReads, 'inspect' | 'underWay'>
  readonly logger: Logger
  readonly timing: Pick<Timing, 'writeTimeoutMs'>
  readonly signal: AbortSignal
}

export function createCountWriter({ engine, cache, reads, logger, timing, signal }: CountWriterDeps): CountWriter {
  const readsAfterWrite = new Map<string, Promise<void>>()

  const keepRead = (id: string, read: Promise<void>): Promise<void> => {
    readsAfterWrite.set(id, read)
    read.catch((error: unknown) => {
      if (readsAfterWrite.get(id) === read) readsAfterWrite.delete(id)
      logger.debug(
        { event: 'service-read-failed', serviceId: id, err: error },
        'a service could not be read after a write',
      )
    })
    return read
  }

  /** Unless a read that is under way brings the version of our write. Throws EngineError. */
  const catchUp = async (id: string) => {
    // The engine is busy with this read while callers wait, unless their answers leave first.
    await nextTurn()
    await reads.underWay(id)
    if (cache.get(id)?.versionIsStale === true) await reads.inspect(id)
  }

  const send = async ({ id, version }: CountWrite, body: string): Promise<WriteResult> => {
    try {
      await engine.call({
        method: 'POST',
        path: `/services/${encodeURIComponent(id)}/update`,
        endpoint: '/services/{id}/update',
        query: { version: String(version), registryAuthFrom: 'spec' },
        body,
        statusOnly: true,
        timeoutMs: timing.writeTimeoutMs,
        signal,
      })
      return { kind: 'committed' }
    } catch (error) {
      if (error instanceof EngineError) return writeResult(error)
      return { kind: 'unknown', message: messageOf(error) }
    }
  }

  /**
   * A manager that is not the leader passes the update on, and again when the connection to the leader breaks: the second
   * time it is out of sequence because the first one took effect. Our label tells.
   */
  const judgeConflict = async ({ id, stateLabel }: CountWrite): Promise<WriteResult> => {
    try {
      await keepRead(id, reads.inspect(id))
    } catch (error) {
      const why = messageOf(error)
      return { kind: 'unknown', message: `The write was refused as out of sequence, but reading back failed: ${why}` }
    }
    const found = cache.get(id)
    if (found === undefined) return { kind: 'gone' }
    return { kind: found.observation.labels[STATE_LABEL] === stateLabel ? 'committed' : 'conflict' }
  }

  return {
    async write(write) {
      const { id, version, replicas, stateLabel } = write
      if (cache.get(id)?.openSpec === undefined) {
        try {
          await reads.inspect(id)
        } catch (error) {
          return { kind: 'unsent', message: messageOf(error) }
        }
      }
      const known = cache.get(id)
      if (known === undefined) return { kind: 'gone' }
      const { name, mode } = known.observation
      if (mode !== 'replicated')
        return { kind: 'rejected', message: `${name} is not a replicated service but ${mode}.` }
      // Decided on what is no longer known: the engine could only refuse it.
      const isStale = known.versionIsStale || known.observation.version !== version
      if (isStale || known.openSpec === undefined) return { kind: 'conflict' }
      readsAfterWrite.delete(id)
      const body = specWithCount(known.openSpec, replicas, stateLabel)
      const result = await send(write, body)
      if (result.kind === 'committed') {
        cache.applyWrite(write)
        void keepRead(id, catchUp(id)).catch(() => undefined)
      }
      return result.kind === 'conflict' ? await judgeConflict(write) : result
    },
    takeReadAfterWrite(id) {
      const read = readsAfterWrite.get(id)
      readsAfterWrite.delete(id)
      return read
    },
  }
}
