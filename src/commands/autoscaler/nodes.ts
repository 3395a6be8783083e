/** `nodes`: every node of the Swarm as the API shows it, for people. */
import type { WireNode } from '../../http/wire/node.ts'
import type { Console, ExitCode } from '../console.ts'
import { type Cell, textTable } from '../text-table.ts'
import { type JsonOption, show } from './call.ts'

export const nodes = async (options: JsonOption, io: Console): Promise<ExitCode> =>
  await show<{ readonly nodes: readonly WireNode[] }>(
    {
      ...{ path: '/v1/node', query: { addresses: 'false' } },
      isKnown: ({ nodes: found }) => found.every(({ role, manager }) => role === 'worker' || manager !== undefined),
    },
    options,
    io,
    ({ nodes: found }) => textTable(HEAD, found.map(row)),
  )

const HEAD = ['NODE', 'ROLE', 'STATE', 'CPU', 'MEMORY', 'IN USE', 'ENGINE', 'AGENT']

const row = ({
  hostname,
  role,
  manager,
  state,
  availability,
  cpus,
  memoryBytes,
  load,
  engineVersion,
  agent,
}: WireNode): Cell[] => [
  hostname,
  roleText(role, manager),
  state === 'ready' ? availability : `${state}, ${availability}`,
  cpus ?? '-',
  memoryBytes === undefined ? '-' : gigabytes(memoryBytes),
  load === undefined
    ? '-'
    : [load.cpuPercent === undefined ? '' : `${load.cpuPercent} %`, gigabytes(load.memoryBytes)]
        .filter(Boolean)
        .join(', '),
  engineVersion,
  agent.reportedAt === undefined ? 'never reported' : agent.heard ? 'reporting' : 'silent',
]

function roleText(role: WireNode['role'], manager: WireNode['manager']): string {
  if (role === 'worker') return role
  if (manager === undefined) return 'manager'
  if (manager.leader) return 'leader'
  return manager.reachability === 'reachable' ? 'manager' : `manager, ${manager.reachability}`
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
