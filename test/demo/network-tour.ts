/** The tour's second half: addresses of a LAN for containers, on every node, by one command. */
import { setTimeout as sleep } from 'node:timers/promises'
import Table from 'cli-table3'
import type { Lab } from '../lab/lab.ts'
import { type Guide, Surprise } from './guide.ts'
import { attachedTo, pingAll } from './ping-table.ts'

export type NetworkTourDeps = {
  guide: Guide
  lab: Lab
  step: (title: string, text: string) => void
  say: (text: string) => void
  progress: (text: string) => void
  /** One on every node. */
  startAgents: () => Promise<void>
  signal: AbortSignal
}

const NETWORK = 'vlan40'
const SERVICE = 'on-the-lan'

/** Throws a Surprise when something is not as it should be. */
export async function giveNetworkTour(deps: NetworkTourDeps): Promise<void> {
  await built(deps)
  await used(deps)
  await pinged(deps)
}

async function built({ guide, step, startAgents }: NetworkTourDeps) {
  step(
    'A network of your own',
    'Containers with addresses of a LAN. One file says what is wanted; the plan, what that means.',
  )
  await guide.show('test/demo/networks/vlan40.yaml')
  await guide.inside('network', 'plan')

  step('An agent on every node', 'It makes what no manager can: links, addresses, and the network of each engine.')
  await startAgents()

  step('One command', 'A range for each node, the node made ready, the swarm network on top.')
  await guide.inside('network', 'apply')
  await guide.docker('network', 'ls', '--filter', `name=${NETWORK}`)
}

async function used({ guide, lab, step, progress, signal }: NetworkTourDeps) {
  step('A service on it', 'As on any network. The constraint keeps tasks from nodes that are not ready.')
  const how = ['--detach', '--no-resolve-image', '--endpoint-mode', 'dnsrr', '--mode', 'global', '--network', NETWORK]
  const ready = ['--constraint', `node.labels.orrery.network.${NETWORK} == ready`]
  await guide.docker('service', 'create', ...how, ...ready, '--name', SERVICE, 'orrery-lab/web:1')
  progress('waiting for its tasks')
  for (const deadline = Date.now() + 30_000; (await attachedTo(NETWORK, lab.nodes)).length < lab.nodes.length; ) {
    if (Date.now() > deadline) throw new Surprise('not within 30 s: a container on every node')
    await sleep(100, undefined, { signal })
  }
  // Agents tell of new containers at once, and at most a few seconds later.
  await sleep(1500, undefined, { signal })
  const status = await guide.inside('network', 'status')
  if (!status.includes(SERVICE)) throw new Surprise(`the status does not name ${SERVICE}`)
}

async function pinged({ lab, step, say }: NetworkTourDeps) {
  step('Ping', 'Every host and every container reaches every container, its own host included.')
  const attached = await attachedTo(NETWORK, lab.nodes)
  const rows = await pingAll(lab.nodes, attached)
  const table = new Table({
    head: ['from', ...attached.map(({ address }) => address)],
    style: { head: [], border: [] },
  })
  table.push(...rows)
  say(table.toString())
  if (rows.some((row) => row.slice(1).some((cell) => cell !== 'yes')))
    throw new Surprise('not everybody reaches everybody')
}
