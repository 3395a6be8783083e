/** A program in the memory that a container of the stack has, swap and page cache included: more than that and the kernel kills it. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Of the controller's service in docker-compose.yml. */
export const STACK_LIMIT_BYTES = 512 * 1024 * 1024

export interface MemoryLimit {
  /** The program with its arguments, to be started in place of `program`. Node reads the limit when it starts, as in a container. */
  wrap(program: readonly string[]): readonly [string, ...string[]]
  /** How often the limit was met and something had to give way: 0 is calm. */
  failures(): number
  close(): void
}

const V2 = '/sys/fs/cgroup'
const V1 = '/sys/fs/cgroup/memory'

let made = 0

/** Needs root. Throws Error where there is no memory controller. */
export function limitMemory(bytes: number): MemoryLimit {
  made += 1
  const isV1 = existsSync(join(V1, 'memory.limit_in_bytes'))
  if (!isV1 && !existsSync(join(V2, 'cgroup.controllers'))) throw new Error('no memory controller of cgroups here')
  const folder = join(isV1 ? V1 : V2, `orrery-limit-${process.pid}-${made}`)
  mkdirSync(folder)
  writeFileSync(join(folder, isV1 ? 'memory.limit_in_bytes' : 'memory.max'), String(bytes))
  return {
    wrap: (program) => ['/bin/sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', folder, ...program],
    failures() {
      if (isV1) return Number(readFileSync(join(folder, 'memory.failcnt'), 'utf8'))
      return Number(/^max (\d+)$/m.exec(readFileSync(join(folder, 'memory.events'), 'utf8'))?.[1] ?? 0)
    },
    close() {
      for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean))
        execFileSync('kill', ['-9', pid])
      // A process that was killed is in it for a moment yet.
      for (let tries = 0; tries < 50; tries += 1) {
        try {
          rmdirSync(folder)
          return
        } catch {
          execFileSync('sleep', ['0.05'])
        }
      }
    },
  }
}
