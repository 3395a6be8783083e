/** What a process has used of the processor, all threads together: on a busy machine the honest measure of its work. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/**
 * Seconds in user and kernel mode since the process began. `withChildren`: and those of the programs that it has run to
 * their end.
 */
export function processorSeconds(pid: number, { withChildren = false } = {}): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field, the program's name in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const own = Number(fields[11]) + Number(fields[12])
  return (withChildren ? own + Number(fields[13]) + Number(fields[14]) : own) / ticksPerSecond
}

/** Resident now and at its highest, MB of 1024 x 1024. */
export function residentMb(pid: number): { readonly now: number; readonly highest: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return { now: field('VmRSS'), highest: field('VmHWM') }
}
