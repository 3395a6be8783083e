import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** A process that cannot be mistaken for a later one with the same pid. */
export type ProcessId = { pid: number; startedAt: string }

const readOr = (path: string, otherwise: string) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise // gone in the meantime
  }
}

/** Start time in clock ticks since boot; undefined once the process is gone. */
export function startedAt(pid: number): string | undefined {
  const stat = readOr(`/proc/${pid}/stat`, '')
  // The name, in parentheses, may hold anything; the fields after it are numbers.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

export function isRunning(id: ProcessId): boolean {
  return startedAt(id.pid) === id.startedAt
}

/** Reads the "<pid> <start time>" file that keeper.sh writes. */
export function readProcessId(path: string): ProcessId | undefined {
  const [pid, started] = readOr(path, '').trim().split(' ')
  return pid && started ? { pid: Number(pid), startedAt: started } : undefined
}

export function childrenOf(pid: number): number[] {
  const listed = readOr(`/proc/${pid}/task/${pid}/children`, '').trim()
  return listed === '' ? [] : listed.split(' ').map(Number)
}

/** Processes by name in the pid namespace of `pid` itself: those of its containers have namespaces of their own. */
export function processesNamed(name: string, pid: number): number[] {
  const namespace = readlinkSync(`/proc/${pid}/ns/pid`)
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => readOr(`/proc/${entry}/comm`, '').trim() === name && namespaceOf(entry) === namespace)
    .map(Number)
}

function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined
  }
}
