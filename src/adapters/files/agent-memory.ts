/** What an agent keeps on disk: `wanted.json`, `promiscuous.json` and `adopted.json` in its state folder. */
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentMemory } from '../../agent/ports.ts'
import { isMissing, messageOf } from '../../foundation/errors.ts'
import type { Logger } from '../../foundation/logger.ts'
import { readWanted, type WantedState } from '../../swarm/wanted.ts'

const WANTED = 'wanted.json'
const PROMISCUOUS = 'promiscuous.json'
const ADOPTED = 'adopted.json'

/** Reads what was kept. Never rejects: what cannot be read is put aside, with a line in the log, and counts as nothing. */
export async function openAgentMemory({ dir, logger }: { dir: string; logger: Logger }): Promise<AgentMemory> {
  let fault: string | undefined
  const failed = (what: string, error: unknown) => {
    const why = messageOf(error)
    const message = `${what} (ORRERY_STATE_DIR=${dir}): ${why}. After a reboot nothing is built before a controller answers.`
    if (fault !== message) logger.warn({ event: 'state-not-kept', err: error }, message)
    fault = message
  }

  const read = async <T>(file: string, decode: (value: unknown) => T): Promise<T | undefined> => {
    const path = join(dir, file)
    try {
      return decode(JSON.parse(await readFile(path, 'utf8')))
    } catch (error) {
      if (isMissing(error)) return undefined
      const message = `${path} cannot be understood, so it is put aside as ${file}.broken`
      logger.warn({ event: 'state-put-aside', file: path, err: error }, message)
      await rename(path, `${path}.broken`).catch((cause: unknown) => failed(`${path} cannot be put aside`, cause))
      return undefined
    }
  }

  const keep = async (file: string, value: unknown) => {
    try {
      await writeWhole(dir, file, JSON.stringify(value))
      fault = undefined
    } catch (error) {
      failed('What is wanted of this node cannot be kept', error)
    }
  }

  await mkdir(dir, { recursive: true }).catch((error: unknown) => failed('The state folder cannot be made', error))
  let wanted = await read(WANTED, readWanted)
  let promiscuous: ReadonlySet<string> = new Set(await read(PROMISCUOUS, readNames))
  let adopted: ReadonlySet<string> = new Set(await read(ADOPTED, readNames))
  return {
    wanted: () => wanted,
    adopted: () => adopted,
    promiscuous: () => promiscuous,
    async keepWanted(next: WantedState) {
      wanted = next
      await keep(WANTED, next)
    },
    async keepPromiscuous(links) {
      promiscuous = links
      await keep(PROMISCUOUS, [...links].toSorted())
    },
    async keepAdopted(networkIds) {
      adopted = networkIds
      await keep(ADOPTED, [...networkIds].toSorted())
    },
    fault: () => fault,
  }
}

/** The old file or the new one, whole, whenever power is lost. */
async function writeWhole(dir: string, file: string, text: string): Promise<void> {
  const path = join(dir, file)
  const beside = `${path}.new`
  try {
    await synced(beside, async (handle) => await handle.writeFile(text), 'w')
    await rename(beside, path)
    await synced(dir, async () => undefined, 'r')
  } catch (error) {
    // Half of it may be there; the next write begins anew in any case.
    await unlink(beside).catch(() => undefined)
    throw error
  }
}

type Handle = Awaited<ReturnType<typeof open>>

async function synced(path: string, write: (handle: Handle) => Promise<void>, flags: 'r' | 'w'): Promise<void> {
  const handle = await open(path, flags, 0o600)
  try {
    await write(handle)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function readNames(value: unknown): string[] {
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value
  throw new Error('it is not a list of names')
}
