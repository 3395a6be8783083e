/** One manager's engine, as `connectSwarm` gives it in `bootstrap`. Types only. */

import type { Nodes, SwarmNetworks, Tasks } from '../../swarm/ports.ts'
import type { ServiceUse } from '../plan/words.ts'
import type { Records } from '../ports.ts'

export interface BootstrapSwarm {
  readonly nodes: Nodes
  readonly tasks: Pick<Tasks, 'list' | 'readAtMs' | 'onChange' | 'refresh'>
  readonly networks: SwarmNetworks
  readonly records: Records
  /** Services that name networks, from the cache. */
  readonly serviceUses: () => readonly ServiceUse[]
  /** From the cache. */
  readonly serviceName: (id: string) => string | undefined
}
