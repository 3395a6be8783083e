import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { execute } from '../../lab/execute.ts'
import { type LabRecord, labFolder } from '../../lab/state.ts'

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

/** The namespaces of a lab that is up, other than this machine's own. */
export function namespacesOf(record: Pick<LabRecord, 'pid' | 'nodes'>): Set<string> {
  const pids = [record.pid, ...record.nodes.map((node) => node.pid)]
  const all = pids.flatMap((pid) => kinds.map((kind) => namespaceOf(pid, kind)))
  const own = new Set(kinds.map((kind) => namespaceOf('self', kind)))
  return new Set(all.filter((namespace) => namespace !== undefined && !own.has(namespace)) as string[])
}

/** What is left of a lab: processes, mounts, namespaces, cgroups, files. Empty once it is down. */
export async function tracesOf(name: string, namespaces: ReadonlySet<string>): Promise<string[]> {
  const inside = processes().filter((pid) => kinds.some((kind) => namespaces.has(namespaceOf(pid, kind) ?? '')))
  const named = processes().filter((pid) => commandOf(pid).includes(`${labFolder(name)}`))
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const cgroups = await execute('find', ['/sys/fs/cgroup', '-type', 'd', '-path', `*/orrery-lab-${name}*`])
  return [
    ...[...inside, ...named].map((pid) => `process ${pid} ${commandOf(pid)}`),
    ...mounts.filter((line) => line.includes(`orrery-lab/${name}`) || line.includes(' - nsfs ')),
    ...cgroups.stdout.split('\n').filter((line) => line !== ''),
    ...(existsSync(labFolder(name)) ? [labFolder(name)] : []),
  ]
}
