import { ip } from './network.ts'

/** A subnet on br1, the second LAN, which several may share. */
export type Lan = {
  /** For instance 172.80.0.0/16. */
  subnet: string
  /** Given to br1 itself. */
  gateway: string
  /** Whether each node's eth1 has an address there too, as high up as there is room: node 2 of a /16 is x.y.255.2. */
  hostAddresses?: boolean
}

const numberOf = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const addressOf = (number: number) => [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')

function read({ subnet, gateway }: Lan) {
  const [, base, prefix] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(subnet) ?? []
  const size = 2 ** (32 - Number(prefix))
  if (base === undefined || size < 32) throw new Error(`lan: a subnet of at least a /27, not "${subnet}"`)
  const first = numberOf(base)
  const inside = numberOf(gateway) > first && numberOf(gateway) < first + size - 1
  if (first % size !== 0 || !inside) throw new Error(`lan: ${subnet} with the gateway ${gateway} is no subnet`)
  return { first, size, prefix }
}

/** Throws for what is no subnet, or has its gateway elsewhere. */
export function checkLans(lans: readonly Lan[]): void {
  for (const lan of lans) read(lan)
}

/** The addresses of a node's eth1, with prefix lengths. */
export function lanAddresses(lans: readonly Lan[], port: string): string[] {
  return lans
    .filter(({ hostAddresses }) => hostAddresses)
    .map((lan) => {
      const { first, size, prefix } = read(lan)
      const room = Math.min(size, 256)
      return `${addressOf(first + size - room + (room === 256 ? 0 : room - 16) + Number(port))}/${prefix}`
    })
}

/** Gives br1 the gateways' addresses. */
export async function setUpLans(lab: number, lans: readonly Lan[]): Promise<void> {
  if (lans.length === 0) return
  await ip(
    lab,
    lans.map((lan) => `address replace ${lan.gateway}/${read(lan).prefix} dev br1`),
  )
}
