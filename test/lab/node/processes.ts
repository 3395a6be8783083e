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

/** Fields of /proc/<pid>/stat after the name, which is in parentheses and may hold anything; see proc(5). */
function statOf(pid: number): string[] {
  const stat = readOr(`/proc/${pid}/stat`, '')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** Start time in clock ticks since boot; undefined once the process is gone. */
export const startedAt = (pid: number): string | undefined => statOf(pid)[19]

/** Whether SIGSTOP holds it. */
export const isStopped = (pid: number): boolean => statOf(pid)[0] === 'T'

/** A process may end by itself between being found and being told. */
export function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
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
  const namespace = namespaceOf(String(pid))
  if (namespace === undefined) return []
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => readOr(`/proc/${entry}/comm`, '').trim() === name && namespaceOf(entry) === namespace)
    .map(Number)
}

/** Every process of a node but its first and that one's own child, which keeps it: those of containers too. */
export function processesInside(first: number): number[] {
  const namespace = namespaceOf(String(first))
  const entered = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && namespaceOf(entry) === namespace)
  const found = new Set<number>()
  const add = (pid: number) => {
    if (found.has(pid)) return
    found.add(pid)
    for (const child of childrenOf(pid)) add(child)
  }
  for (const pid of [first, ...entered.map(Number)]) add(pid)
  const isKeeper = (pid: number) =>
    readOr(`/proc/${pid}/cmdline`, '') === 'sleep\0infinity\0' && namespaceOf(String(pid)) === namespace
  return [...found].filter((pid) => pid !== first && !isKeeper(pid) && statOf(pid)[0] !== 'Z')
}

function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return undefined
  }
}
