import { readFileSync } from 'node:fs'
import { childrenOf } from '../lab/node/processes.ts'

export type Interruption = {
  signal: AbortSignal
  /** Rejects when the demo is told to end, with the signal's name. */
  comes: Promise<never>
}

const PARENT_CHECK_MS = 500

/**
 * Ctrl-C, or an end asked for otherwise, at any moment. More of the same change nothing: the cleaning up goes on.
 * The end of the process that started the demo counts too: npm, told to end, tells only the shell between the two.
 */
export function listenForInterruption(): Interruption {
  const over = new AbortController()
  const comes = new Promise<never>((_, reject) => {
    const end = (name: NodeJS.Signals) => {
      over.abort(new Interrupted(name))
      reject(over.signal.reason)
    }
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, end)
    const parent = process.ppid
    const watch = setInterval(() => process.ppid === parent || end('SIGHUP'), PARENT_CHECK_MS)
    watch.unref()
  })
  comes.catch(() => {})
  return { signal: over.signal, comes }
}

export class Interrupted extends Error {
  constructor(readonly signalName: NodeJS.Signals) {
    super(`ended by ${signalName}`)
  }
}

/**
 * Ends the programs that this process waits for, such as a download. Those in process groups of their own (the lab's
 * keeper, the controller) end in their own way.
 */
export function endHelpers(pid = process.pid, group = groupOf(process.pid)): void {
  for (const child of childrenOf(pid)) {
    if (groupOf(child) !== group) continue
    endHelpers(child, group)
    try {
      process.kill(child, 'SIGTERM')
    } catch {
      // already gone
    }
  }
}

/** Third field after the name in /proc/<pid>/stat; see proc(5). */
function groupOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]
  } catch {
    return undefined
  }
}
