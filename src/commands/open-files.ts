/** How many files, sockets among them, this process may have open: where that is too few, its modules cannot even be loaded. */
import { readFileSync } from 'node:fs'

/** Of the modules, of the engine's connections and of some callers. */
const LEAST = 256

/** `undefined`: enough, or not known here. Node has raised the soft limit to the hard one by now. */
export function tooFewOpenFiles(limits: string = ownLimits()): string | undefined {
  const most = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  if (most >= LEAST) return undefined
  return `only ${most} files may be open at a time here (ulimit -n), and ${LEAST} are needed at least, 8192 for as many callers as there may be: raise the hard limit, as LimitNOFILE= of a unit or nofile in the ulimits of a container`
}

function ownLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8')
  } catch {
    // No Linux: nothing is known, and nothing is claimed.
    return ''
  }
}
