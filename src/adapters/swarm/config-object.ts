/** One Swarm config used as a small versioned record: its labels are the record. No retries; the caller re-reads. */
import type { Engine } from './engine-connection.ts'
import { EngineError, isConflict, isNameTaken } from './engine-errors.ts'
import { at, integerAt, isObject, type JsonObject, labelsAt, textAt, writeLossless } from './engine-json.ts'
import { nanoOf } from './go-time.ts'
import type { Timing } from './timing.ts'

type Labels = Readonly<Record<string, string>>

export interface ConfigObject {
  /** As last read or written; empty when there is no such config. */
  labels(): Labels
  /** Whether the version is not known: never read, or written since. */
  mustRead(): boolean
  /** Whether the version that an event of this time announces is the one that was read. */
  isOf(timeNano: string): boolean
  /** Throws EngineError. */
  read(): Promise<void>
  /** Compare-and-swap on the version read, creates what does not exist. Throws EngineError; then `mustRead()`. */
  write(labels: Labels): Promise<void>
}

interface Known {
  readonly id: string
  readonly version: number
  readonly spec: JsonObject
  readonly updatedAtNano: string
}

// Configs refuse empty data.
const ONE_BYTE = Buffer.from('-').toString('base64')

export function createConfigObject(deps: {
  readonly engine: Engine
  readonly name: string
  readonly timing: Pick<Timing, 'readTimeoutMs' | 'writeTimeoutMs'>
  readonly signal: AbortSignal
}): ConfigObject {
  const { engine, name, timing, signal } = deps
  let known: Known | undefined
  let labels: Labels = {}
  let mustRead = true

  const post = async (path: string, endpoint: string, wanted: { query?: Record<string, string>; spec: JsonObject }) => {
    const query = wanted.query === undefined ? {} : { query: wanted.query }
    const body = writeLossless(wanted.spec)
    await engine.call({ method: 'POST', path, endpoint, ...query, body, timeoutMs: timing.writeTimeoutMs, signal })
  }

  return {
    labels: () => labels,
    mustRead: () => mustRead,
    isOf: (timeNano) => !mustRead && known?.updatedAtNano === timeNano,
    async read() {
      // The engine's name filter matches prefixes: the exact name is looked for in what it brings.
      const query = { filters: JSON.stringify({ name: [name] }) }
      const timeoutMs = timing.readTimeoutMs
      const list = await engine.read({
        method: 'GET',
        path: '/configs',
        endpoint: '/configs',
        query,
        timeoutMs,
        signal,
      })
      if (!Array.isArray(list) && list !== null)
        throw new EngineError('malformed', 'GET /configs answered with no list.')
      const found = (list ?? []).find((config: unknown) => textAt(config, 'Spec', 'Name') === name)
      const config = found === undefined ? undefined : readConfig(found)
      // A deposed leader may still serve what was before.
      if (config !== undefined && config.id === known?.id && config.version < known.version) return
      known = config
      labels = labelsAt(config?.spec, 'Labels')
      mustRead = false
    },
    async write(next) {
      mustRead = true
      if (known === undefined) {
        await post('/configs/create', '/configs/create', { spec: { Name: name, Labels: next, Data: ONE_BYTE } })
      } else {
        const path = `/configs/${encodeURIComponent(known.id)}/update`
        const query = { version: String(known.version) }
        await post(path, '/configs/{id}/update', { query, spec: { ...known.spec, Labels: next } })
      }
      labels = next
    },
  }
}

function readConfig(raw: unknown): Known {
  const id = textAt(raw, 'ID')
  const version = integerAt(raw, 'Version', 'Index')
  const spec = at(raw, 'Spec')
  if (id === undefined || version === undefined || !isObject(spec)) {
    throw new EngineError('malformed', 'The engine sent a config without an id, a version or a spec.')
  }
  return { id, version, spec, updatedAtNano: nanoOf(textAt(raw, 'UpdatedAt')) }
}

/** Whether another writer came first, so that reading again and writing again may do. */
export function isRace(error: EngineError): boolean {
  return isConflict(error) || isNameTaken(error)
}
