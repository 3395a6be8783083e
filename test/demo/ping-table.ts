/** Who reaches whom: real pings, from hosts and from containers. */
import type { LabNode } from '../lab/lab.ts'

export type Attached = { node: LabNode; containerId: string; address: string }

const PING_IMAGE = 'orrery-lab/web:1'

/** One line an address: its name, and `yes` or `no`. */
const script = (addresses: readonly string[]) =>
  `for a in ${addresses.join(' ')}; do ping -c 1 -W 2 $a >/dev/null 2>&1 && echo $a yes || echo $a no; done`

/** A row for each host and container, a column for each container. */
export async function pingAll(nodes: readonly LabNode[], attached: readonly Attached[]): Promise<string[][]> {
  const addresses = attached.map(({ address }) => address)
  const row = async (from: string, node: LabNode, ...how: string[]) => {
    const { stdout, stderr } = await node.docker(...how, 'sh', '-c', script(addresses))
    const reached = new Map(stdout.split('\n').map((line) => line.split(' ') as [string, string]))
    return [from, ...addresses.map((address) => reached.get(address) ?? `no answer: ${stderr.trim()}`)]
  }
  const hosts = nodes.map((node) => row(`host ${node.hostname}`, node, 'run', '--rm', '--network', 'host', PING_IMAGE))
  const containers = attached.map(({ node, containerId, address }) =>
    row(`container ${address}`, node, 'exec', containerId),
  )
  return await Promise.all([...hosts, ...containers])
}

/** Containers with an address of the network, as each node's own engine says. */
export async function attachedTo(network: string, nodes: readonly LabNode[]): Promise<Attached[]> {
  const found = await Promise.all(
    nodes.map(async (node) => {
      const ids = (await node.docker('ps', '--quiet', '--no-trunc', '--filter', `network=${network}`)).stdout.split(
        '\n',
      )
      const format = `{{with index .NetworkSettings.Networks "${network}"}}{{.IPAddress}}{{end}}`
      return await Promise.all(
        ids.filter(Boolean).map(async (containerId) => {
          const { stdout } = await node.docker('inspect', '--format', format, containerId)
          return { node, containerId, address: stdout.trim() }
        }),
      )
    }),
  )
  return found.flat().filter(({ address }) => address !== '')
}
