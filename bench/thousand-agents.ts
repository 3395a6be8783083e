/** A controller that hears a thousand agents, each on a node of its own. */
import type { Figure } from './figure.ts'
import { ms } from './statistics.ts'
import { NODES, startThousandNodes } from './thousand-nodes.ts'
import { figuresOf, firstFigures, takeTurns } from './under-reports.ts'

const ROUNDS = 3
const WHERE = `${NODES} nodes`

export async function measureThousandAgents(options: {
  readonly quick: boolean
  readonly progress: (line: string) => void
}): Promise<Figure[]> {
  const { quick, progress } = options
  const swarm = await startThousandNodes(progress)
  try {
    const services = (['on the network', 'of another service'] as const).map((what, index) => {
      const name = `asked-${index}`
      return { what, name, id: swarm.createService(name, what === 'on the network' ? 'network' : 'nothing') }
    })
    progress('up with and without their reports, by turns')
    const found = await takeTurns({ ...swarm, services, rounds: quick ? 1 : ROUNDS })
    const { p99Ms, longestMs } = found.lag
    return [
      { name: `network on ${NODES} nodes: made by itself`, measured: `all ready after ${ms(swarm.readyMs)}` },
      ...figuresOf({ services }, found, WHERE),
      ...firstFigures({ services }, found, WHERE),
      { name: `resident memory, ${WHERE}`, measured: `${Math.round(found.memoryMb)} MB` },
      { name: `event loop kept waiting, ${WHERE}`, measured: `p99 ${ms(p99Ms)}, longest ${ms(longestMs)}` },
    ]
  } finally {
    await swarm.close()
  }
}
