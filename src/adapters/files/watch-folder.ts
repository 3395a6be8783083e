/**
 * A folder's files, re-read as they change. By asking rather than by notifications: those do not cross bind mounts and
 * network file systems, and a watcher that compares modification times misses an older file of the same size put back.
 */
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing, messageOf } from '../../foundation/errors.ts'

export type FileContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly message: string }

export interface FolderContent {
  readonly files: ReadonlyMap<string, FileContent>
  /** Why the folder itself cannot be read; `files` then is what it held before, or nothing if it is not there. */
  readonly fault?: string
  /** The folder does not exist; then `fault` says so. */
  readonly isMissing: boolean
}

export interface FolderWatch {
  readonly content: () => FolderContent
  /** Resolves when nothing more will be read or reported. */
  readonly close: () => Promise<void>
}

interface FolderOptions {
  readonly dir: string
  readonly accepts: (fileName: string) => boolean
  readonly maxBytes: number
  readonly pollMs: number
  /** Called after the content changed, never for the first reading. */
  readonly onChange: (content: FolderContent) => void
}

/** Inode and change time as well: no replacement, however old or equally large the new file is, has all of these in common. */
const fingerprint = async (path: string): Promise<string> => {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return `unreadable: ${messageOf(error)}`
  }
}

const readText = async (path: string, maxBytes: number): Promise<FileContent> => {
  const unreadable = (message: string): FileContent => ({ kind: 'unreadable', message })
  try {
    // A named pipe would block the opening for good.
    if (!(await stat(path)).isFile()) return unreadable('is not a file')
    const file = await open(path)
    try {
      const { bytesRead, buffer } = await file.read(new Uint8Array(maxBytes + 1), 0, maxBytes + 1, 0)
      if (bytesRead > maxBytes) return unreadable(`is larger than ${maxBytes / 1024} KiB`)
      return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead)) }
    } finally {
      await file.close()
    }
  } catch (error) {
    return unreadable(error instanceof TypeError ? 'is not UTF-8 text' : messageOf(error))
  }
}

interface Listing {
  readonly names: readonly string[] | undefined
  readonly fault: string | undefined
  readonly isMissing: boolean
}

const list = async ({ dir, accepts }: FolderOptions): Promise<Listing> => {
  try {
    return { names: (await readdir(dir)).filter(accepts), fault: undefined, isMissing: false }
  } catch (error) {
    const isNone = isMissing(error)
    return { names: isNone ? [] : undefined, fault: messageOf(error), isMissing: isNone }
  }
}

const isSame = (before: FileContent | undefined, now: FileContent): boolean => {
  if (before?.kind === 'text') return now.kind === 'text' && before.text === now.text
  return before !== undefined && now.kind === 'unreadable' && before.message === now.message
}

/** Resolves when everything has been read once. Never rejects: what cannot be read is in the content. */
export const watchFolder = async (options: FolderOptions): Promise<FolderWatch> => {
  const files = new Map<string, FileContent>()
  const known = new Map<string, string>()
  /** What was seen last time and is not taken in: a file is read, or dropped, when it was the same twice. */
  const unsettled = new Map<string, string | undefined>()
  let folder: Listing = { names: undefined, fault: undefined, isMissing: false }
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  /** Takes in what is there now; whether that is anything new. */
  const settle = async (name: string, print: string | undefined): Promise<boolean> => {
    unsettled.delete(name)
    if (print === undefined) {
      known.delete(name)
      return files.delete(name)
    }
    const before = files.get(name)
    const content = await readText(join(options.dir, name), options.maxBytes)
    // What could not be read is tried again, although it looks the same.
    if (content.kind === 'text') known.set(name, print)
    else known.delete(name)
    if (isSame(before, content)) return false
    files.set(name, content)
    return true
  }

  /** Whether anything changed. */
  const look = async (isFirst: boolean): Promise<boolean> => {
    const before = folder
    folder = await list(options)
    if (folder.names === undefined) return folder.fault !== before.fault
    let hasChanged = false
    for (const name of new Set([...folder.names, ...files.keys(), ...unsettled.keys()])) {
      const print = folder.names.includes(name) ? await fingerprint(join(options.dir, name)) : undefined
      const isKnown = files.has(name) && print === known.get(name)
      const wasTheSame = unsettled.has(name) && unsettled.get(name) === print
      if (isKnown && print !== undefined) unsettled.delete(name)
      else if (isFirst || wasTheSame) hasChanged = (await settle(name, print)) || hasChanged
      else unsettled.set(name, print)
    }
    // One that has come back counts as away until its files are read: else it would look empty for a moment.
    const isUnread = before.fault !== undefined && folder.names.some((name) => !files.has(name))
    if (isUnread && folder.fault === undefined) folder = { ...before, names: folder.names }
    return hasChanged || folder.fault !== before.fault
  }

  const content = (): FolderContent => ({
    files,
    isMissing: folder.isMissing,
    ...(folder.fault === undefined ? {} : { fault: folder.fault }),
  })
  let looking: Promise<void> = look(true).then(() => undefined)
  await looking
  const again = () => {
    timer = setTimeout(() => {
      looking = look(false).then((hasChanged) => {
        if (isClosed) return
        if (hasChanged) options.onChange(content())
        again()
      })
    }, options.pollMs)
    timer.unref()
  }
  again()
  return {
    content,
    close: async () => {
      isClosed = true
      clearTimeout(timer)
      await looking
    },
  }
}
