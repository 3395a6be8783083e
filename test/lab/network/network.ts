import { execute } from '../execute.ts'

/** One batch of `ip` commands in the network namespace of a process. */
export function ip(pid: number, lines: string[]) {
  return execute('nsenter', [`--target=${pid}`, '--net', 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

/** The two cables of a node: port `p1` on br0 is its eth0, `q1` on br1 its eth1. */
const cables = (port: string) => [
  { end: `p${port}`, bridge: 'br0', device: 'eth0' },
  { end: `q${port}`, bridge: 'br1', device: 'eth1' },
]

export type Place = { lab: number; node: number; port: string }

/** Each with its prefix length. */
export type Addresses = { eth0: string; eth1: readonly string[] }

export async function plugIn({ lab, node, port }: Place, { eth0, eth1 }: Addresses): Promise<void> {
  await ip(
    lab,
    cables(port).flatMap(({ end, bridge, device }) => [
      `link add ${end} type veth peer name ${device} netns ${node}`,
      `link set ${end} master ${bridge} up`,
    ]),
  )
  await ip(node, [
    `address add ${eth0} dev eth0`,
    ...eth1.map((address) => `address add ${address} dev eth1`),
    'link set eth0 up',
    'link set eth1 up',
  ])
}

/** As if the switch port went dead: the node's own links stay up, nothing passes. */
export async function cut({ lab, port }: Place): Promise<void> {
  await ip(
    lab,
    cables(port).map(({ end }) => `link set ${end} nomaster`),
  )
}

export async function heal({ lab, port }: Place): Promise<void> {
  await ip(
    lab,
    cables(port).map(({ end, bridge }) => `link set ${end} master ${bridge}`),
  )
}
