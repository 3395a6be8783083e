/** A folder of `<name>.yaml` files, watched, each as the newest version that parses and what is wrong with the newest. */

import { createListeners, type Unsubscribe } from '../../foundation/listeners.ts'
import type { Logger } from '../../foundation/logger.ts'
import { type FileContent, type FolderContent, watchFolder } from './watch-folder.ts'
import type { Parsed } from './yaml-mapping.ts'

export const SUFFIX = '.yaml'

/** A hundred times the longest sensible file; what the parser would need a second for must not stop everything else. */
const MAX_BYTES = 64 * 1024

export interface YamlFile<Value> {
  readonly content: FileContent
  /** The newest version that parsed. */
  readonly good?: Value
  /** Why the newest version does not. */
  readonly fault?: string
}

export interface YamlFolder<Value> extends Pick<FolderContent, 'fault' | 'isMissing'> {
  /** By file name, sorted; examples and hidden files are not among them. */
  readonly files: ReadonlyMap<string, YamlFile<Value>>
  /** What was not read, since it must end in .yaml. */
  readonly misnamed: readonly string[]
}

/** A folder that an operator may have named. */
export interface FilesOptions {
  readonly dir: string
  /** Whether a person named it: then it is worth a word if it is missing. */
  readonly required: boolean
  readonly logger: Logger
  /** A change takes effect after two to three of these; default 400. */
  readonly pollMs?: number
}

interface YamlFolderOptions<Value> extends Omit<FilesOptions, 'required'> {
  readonly parse: (text: string) => Parsed<Value>
  /** Takes in what is there now: once before the promise resolves, then before the listeners are told of each change. */
  readonly take: (folder: YamlFolder<Value>) => void
}

export interface YamlFolderWatch {
  onChange(listener: () => void): Unsubscribe
  close(): Promise<void>
}

const isWanted = (fileName: string): boolean =>
  fileName.endsWith(SUFFIX) && !fileName.endsWith('.example.yaml') && !fileName.startsWith('.')

/** Of the same folder, and easily taken for one of the others. */
const isMisnamed = (fileName: string): boolean => fileName.endsWith('.yml') && !fileName.startsWith('.')

/** Resolves when every file there is has been read. Never rejects: what is wrong is told to `take`. */
export const watchYamlFolder = async <Value>(options: YamlFolderOptions<Value>): Promise<YamlFolderWatch> => {
  const { dir, parse, logger, take } = options
  const changes = createListeners<void>(logger)
  let files: ReadonlyMap<string, YamlFile<Value>> = new Map()

  const load = (content: FileContent, before: YamlFile<Value> | undefined): YamlFile<Value> => {
    if (before?.content === content) return before
    const kept = before?.good === undefined ? {} : { good: before.good }
    if (content.kind === 'unreadable') return { content, ...kept, fault: content.message }
    const parsed = parse(content.text)
    return parsed.kind === 'parsed' ? { content, good: parsed.value } : { content, ...kept, fault: parsed.message }
  }

  const update = ({ files: contents, fault, isMissing }: FolderContent) => {
    const names = [...contents.keys()].sort()
    files = new Map(
      names.filter(isWanted).flatMap((file) => {
        const content = contents.get(file)
        return content === undefined ? [] : [[file, load(content, files.get(file))]]
      }),
    )
    take({ files, misnamed: names.filter(isMisnamed), isMissing, ...(fault === undefined ? {} : { fault }) })
  }

  const folder = await watchFolder({
    dir,
    accepts: (name) => isWanted(name) || isMisnamed(name),
    maxBytes: MAX_BYTES,
    pollMs: options.pollMs ?? 400,
    onChange: (content) => {
      update(content)
      changes.tell()
    },
  })
  update(folder.content())

  return { onChange: changes.add, close: folder.close }
}
