/** One Swarm config used as a small versioned record: its labels are the record. No retries; the caller re-reads. */
import type { Engine } from '../engine/engine-connection.ts'
import { EngineError, isConflict, isNameTaken } from '../engine/engine-errors.ts'
import { headOf, type JsonObject, labelsAt, type ObjectHead, textAt, writeLossless } from '../engine/engine-json.ts'
import { believed } from '../engine/list-items.ts'
import type { Timing } from '../engine/timing.ts'

type Labels = Readonly<Record<string, string>>

type Calls = Pick<Timing, 'readTimeoutMs' | 'writeTimeoutMs'>

// Configs refuse empty data.
const ONE_BYTE = Buffer.from('-').toString('base64')

export function createConfigObject(deps: {
  readonly engine: Engine
  readonly name: string
  readonly timing: Calls
  readonly signal: AbortSignal
}) {
  const { engine, name, timing, signal } = deps
  let known: ObjectHead | undefined
  let labels: Labels = {}
  let exists = false
  let mustRead = true

  const post = async (path: string, endpoint: string, wanted: { query?: Record<string, string>; spec: JsonObject }) => {
    const query = wanted.query === undefined ? {} : { query: wanted.query }
    const body = writeLossless(wanted.spec)
    await engine.call({ method: 'POST', path, endpoint, ...query, body, timeoutMs: timing.writeTimeoutMs, signal })
  }

  const take = (list: readonly unknown[]) => {
    const found = list.find((config) => textAt(config, 'Spec', 'Name') === name)
    const config = found === undefined ? undefined : headOf(found, 'config')
    // A deposed leader may still serve what was before.
    if (config !== undefined && config.id === known?.id && config.version < known.version) return
    known = config
    labels = labelsAt(config?.spec, 'Labels')
    exists = config !== undefined
    mustRead = false
  }

  return {
    /** As last read or written; empty when there is no such config. */
    labels: () => labels,
    /** Whether there was one when it was last read or written. */
    exists: () => exists,
    /** As last read; absent: there was none, or it was written since. */
    version: () => (mustRead ? undefined : known?.version),
    /** Whether the version is not known: never read, or written since. */
    mustRead: () => mustRead,
    /** Whether the version that an event of this time announces is the one that was read. */
    isOf: (timeNano: string) => !mustRead && known?.updatedAtNano === timeNano,
    /** Takes it from a list of configs that was read for several. Throws EngineError `malformed`. */
    take,
    /** Throws EngineError. */
    async read() {
      take(await listConfigs({ engine, prefix: name, known: exists ? 1 : 0, timing, signal }))
    },
    /** Compare-and-swap on the version read, creates what does not exist. Throws EngineError; then `mustRead()`. */
    async write(next: Labels) {
      mustRead = true
      if (known === undefined) {
        await post('/configs/create', '/configs/create', { spec: { Name: name, Labels: next, Data: ONE_BYTE } })
      } else {
        const path = `/configs/${encodeURIComponent(known.id)}/update`
        const query = { version: String(known.version) }
        await post(path, '/configs/{id}/update', { query, spec: { ...known.spec, Labels: next } })
      }
      labels = next
      exists = true
    },
    /** Removes what was read; the engine compares no version here. Throws EngineError; then `mustRead()`. */
    async remove() {
      mustRead = true
      if (known !== undefined) {
        const [path, endpoint] = [`/configs/${encodeURIComponent(known.id)}`, '/configs/{id}']
        await engine.call({ method: 'DELETE', path, endpoint, timeoutMs: timing.writeTimeoutMs, signal })
      }
      labels = {}
      exists = false
    },
  }
}

/** All configs whose names begin so: the engine's name filter matches prefixes. Throws EngineError. */
export async function listConfigs(deps: {
  readonly engine: Engine
  readonly prefix: string
  /** How many of them are known. */
  readonly known: number
  readonly timing: Pick<Timing, 'readTimeoutMs'>
  readonly signal: AbortSignal
}): Promise<readonly unknown[]> {
  const query = { filters: JSON.stringify({ name: [deps.prefix] }) }
  const [path, timeoutMs, signal] = ['/configs', deps.timing.readTimeoutMs, deps.signal]
  return await believed(deps, async () => {
    const list = await deps.engine.read({ method: 'GET', path, endpoint: path, query, timeoutMs, signal })
    if (!Array.isArray(list) && list !== null)
      throw new EngineError('malformed', 'GET /configs did not answer with a list.')
    return list ?? []
  })
}

/** Version.Index of a raw config. Throws EngineError `malformed`. */
export const versionOfConfig = (raw: unknown): number => headOf(raw, 'config').version

/** Whether another writer came first, so that reading again and writing again may do. */
export function isRace(error: EngineError): boolean {
  return isConflict(error) || isNameTaken(error)
}
