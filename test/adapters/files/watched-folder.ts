/** A folder of its own for each test, that a program under test watches. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'

export const POLL_MS = 25
/** Ten times what is promised: a busy machine is no fault. */
const PATIENCE_MS = 20_000

interface Watching {
  close(): Promise<void>
}

/** Registers itself with the tests of the file; `name` is the last part of `dir`. What is in `files` is closed when a test ends. */
export function watchedFolder<Files extends Watching>(name: string) {
  const folder = {
    log: { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() },
    /** Above `dir`. */
    root: '',
    dir: '',
    files: undefined as Files | undefined,
    /** In one go, so that no half-written file is ever there to be seen. */
    async put(file: string, text: string | Uint8Array) {
      await writeFile(join(folder.root, 'put'), text)
      await rename(join(folder.root, 'put'), join(folder.dir, file))
    },
  }
  beforeEach(async () => {
    folder.root = await mkdtemp(join(tmpdir(), `${name}-files-`))
    folder.dir = join(folder.root, name)
    await mkdir(folder.dir)
    vi.clearAllMocks()
  })
  afterEach(async () => {
    await folder.files?.close()
    folder.files = undefined
    await rm(folder.root, { recursive: true })
  })
  return folder
}

export const soon = (check: () => void) => vi.waitFor(check, { timeout: PATIENCE_MS, interval: 5 })
export const severalPolls = () => new Promise((resolve) => setTimeout(resolve, POLL_MS * 8))
