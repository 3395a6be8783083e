/** What is asked of folders as a whole, which no rule on single imports can say. */
import { dirname } from 'node:path'

/** A module of the source tree, as dependency-cruiser shows it. */
export interface Module {
  readonly source: string
  readonly dependencies: readonly { readonly resolved: string }[]
}

export interface FolderViolation {
  /** A file, or a folder. */
  readonly from: string
  readonly to: string
  readonly rule: { readonly name: 'no-folder-cycles' | 'small-folders' }
}

const MOST_FILES = 20
/** They hold types alone, by a rule of their own: a capability and its adapters meet there. */
const PORTS = /^src\/[^/]+\/ports\.ts$/

/**
 * A folder is a room; a file beside folders (the public face of a capability, what puts an adapter together) is one of its
 * own. No way leads from a room back into it by another one.
 */
export function folderViolations(modules: readonly Module[]): FolderViolation[] {
  const sources = modules.map(({ source }) => source).filter((source) => source.startsWith('src/'))
  const parents = new Set(sources.map((source) => dirname(dirname(source))))
  const roomOf = (source: string) => (parents.has(dirname(source)) ? source : dirname(source))
  const ways = modules
    .filter(({ source }) => sources.includes(source) && !PORTS.test(source))
    .flatMap(({ source, dependencies }) =>
      dependencies
        .filter(({ resolved }) => sources.includes(resolved) && !PORTS.test(resolved))
        .map(({ resolved }) => ({ source, resolved, from: roomOf(source), to: roomOf(resolved) })),
    )
    .filter(({ from, to }) => from !== to)
  const reachable = (start: string) => {
    const seen = new Set<string>()
    const open = [start]
    for (let room = open.pop(); room !== undefined; room = open.pop()) {
      if (seen.has(room)) continue
      seen.add(room)
      open.push(...ways.filter(({ from }) => from === room).map(({ to }) => to))
    }
    return seen
  }
  const reach = new Map([...new Set(ways.map(({ to }) => to))].map((room) => [room, reachable(room)]))
  const cycles = ways
    .filter(({ from, to }) => reach.get(to)?.has(from) === true)
    .map(({ source, resolved }) => ({ from: source, to: resolved, rule: { name: 'no-folder-cycles' as const } }))
  const large = [...new Set(sources.map((source) => dirname(source)))]
    .map((from) => ({ from, count: sources.filter((source) => dirname(source) === from).length }))
    .filter(({ count }) => count > MOST_FILES)
    .map(({ from, count }) => ({ from, to: `${count} files`, rule: { name: 'small-folders' as const } }))
  return [...cycles, ...large]
}
