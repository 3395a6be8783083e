import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { execute } from '../../lab/execute.ts'
import { isRunning, readProcessId } from '../../lab/node/processes.ts'
import { type LabRecord, labFolder, labNames } from '../../lab/state.ts'

const kinds = ['pid', 'mnt', 'net', 'uts', 'ipc']
const namespaceOf = (pid: string | number, kind: string) => {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`)
  } catch {
    return undefined
  }
}
/** Ended, and waiting for its parent to notice: where that is the machine's first process, nobody here can hurry it. */
const isZombie = (pid: string) => {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}
const processes = () => readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && !isZombie(entry))
const commandOf = (pid: string) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

const parentOf = (pid: string) => {
  try {
    return /\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? '0'
  } catch {
    return '0'
  }
}
/** First processes of the labs that are up beside this one. */
async function otherLabs(name: string): Promise<Set<string>> {
  const others = (await labNames()).filter((other) => other !== name)
  const first = others.map((other) => readProcessId(`${labFolder(other)}/init`))
  return new Set(first.flatMap((found) => (found !== undefined && isRunning(found) ? [String(found.pid)] : [])))
}
const isBelow = (pid: string, tops: ReadonlySet<string>): boolean =>
  pid !== '0' && (tops.has(pid) || isBelow(parentOf(pid), tops))

/** The namespaces of a lab that is up, other than this machine's own. */
export function namespacesOf(record: Pick<LabRecord, 'pid' | 'nodes'>): Set<string> {
  const pids = [record.pid, ...record.nodes.map((node) => node.pid)]
  const all = pids.flatMap((pid) => kinds.map((kind) => namespaceOf(pid, kind)))
  const own = new Set(kinds.map((kind) => namespaceOf('self', kind)))
  return new Set(all.filter((namespace) => namespace !== undefined && !own.has(namespace)) as string[])
}

/** What keeps a namespace although no process is in it; others on this machine have theirs (`ip netns`). */
const mountedNamespace = (line: string): string | undefined => / (\w+:\[\d+\]) .* - nsfs /.exec(line)?.[1]

/** What is left of a lab: processes, mounts, namespaces, cgroups, files. Empty once it is down. */
export async function tracesOf(name: string, namespaces: ReadonlySet<string>): Promise<string[]> {
  // The kernel gives the number of a namespace that is gone to the next one: it may be another lab's now.
  const others = await otherLabs(name)
  // One kind alone is such a number: what runs in a lab is in several of its namespaces.
  const isInside = (pid: string) => kinds.filter((kind) => namespaces.has(namespaceOf(pid, kind) ?? '')).length > 1
  const inside = processes().filter((pid) => isInside(pid) && !isBelow(pid, others))
  const named = processes().filter((pid) => commandOf(pid).includes(`${labFolder(name)}`))
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const cgroups = await execute('find', ['/sys/fs/cgroup', '-type', 'd', '-path', `*/orrery-lab-${name}*`])
  return [
    ...[...inside, ...named].map((pid) => `process ${pid} ${commandOf(pid)}`),
    ...mounts.filter((line) => line.includes(`orrery-lab/${name}`) || namespaces.has(mountedNamespace(line) ?? '')),
    ...cgroups.stdout.split('\n').filter((line) => line !== ''),
    ...(existsSync(labFolder(name)) ? [labFolder(name)] : []),
  ]
}
