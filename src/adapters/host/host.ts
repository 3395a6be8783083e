/** This host's links, addresses and routes, through iproute2: JSON in, arguments out, no text read. */
import { writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { HostFault, type HostStep } from '../../agent/plan/host.ts'
import { HALF_MADE } from '../../agent/plan/link-names.ts'
import type { Host } from '../../agent/ports.ts'
import { LINK_MODES } from '../../swarm/networks.ts'
import { createIp, type Ip, type IpOptions, isNothingThere } from './ip-command.ts'
import { readLinks, readNeighbours, readRoutes } from './ip-json.ts'

export function createHost(options: IpOptions = {}): Host {
  const ip = createIp(options)
  return {
    async observe({ ipv6 }) {
      const [links, routes, routes6] = await Promise.all([
        ip(['-json', '-details', 'address', 'show']),
        ip(['-json', '-4', 'route', 'show', 'table', 'main']),
        ipv6 ? ip(['-json', '-6', 'route', 'show', 'table', 'main']) : '',
      ])
      try {
        return { links: readLinks(links), routes: [...readRoutes(routes, 4), ...readRoutes(routes6, 6)] }
      } catch (cause) {
        const message = 'The program "ip" does not print JSON: install iproute2 4.14 or newer.'
        throw new HostFault('ip-missing', message, { cause })
      }
    },
    async carryOut(step) {
      await carryOut(ip, step)
    },
  }
}

async function carryOut(ip: Ip, step: HostStep): Promise<void> {
  switch (step.do) {
    case 'make-vlan': {
      await ip(['link', 'add', 'link', step.lower, 'name', HALF_MADE, 'type', 'vlan', 'id', String(step.id)])
      await mark(ip, step)
      return
    }
    case 'make-shim': {
      const kind = ['type', step.driver, 'mode', LINK_MODES[step.driver]]
      await ip(['link', 'add', 'link', step.lower, 'name', HALF_MADE, ...kind])
      await keepToItself(ip)
      await mark(ip, step)
      return
    }
    case 'remove-link':
      await removed(ip(['link', 'delete', 'dev', step.link]))
      return
    case 'raise-link':
      await ip(['link', 'set', 'dev', step.link, 'up'])
      return
    case 'set-promiscuous':
      await ip(['link', 'set', 'dev', step.link, 'promisc', step.isOn ? 'on' : 'off'])
      return
    case 'set-mtu':
      await ip(['link', 'set', 'dev', step.link, 'mtu', String(step.mtu)])
      return
    case 'ask-for-address':
      await askFor(ip, step)
      return
    case 'add-address': {
      // Nobody else may have it: looking for one would only keep routes from using it at once.
      const look = isV6(step.address) ? ['nodad'] : []
      await ip(['address', 'replace', step.address, 'dev', step.link, ...look])
      return
    }
    case 'remove-address':
      await removed(ip(['address', 'delete', step.address, 'dev', step.link]))
      return
    case 'set-route': {
      const to = [step.destination, 'dev', step.link, 'src', step.source]
      await ip([family(step.destination), 'route', 'replace', ...to])
      return
    }
    case 'remove-route':
      await removed(ip([family(step.destination), 'route', 'delete', step.destination, 'dev', step.link]))
      return
    default:
      step satisfies never
  }
}

/** Name and mark in one message to the kernel: there is no link of that name without its mark, whenever we are killed. */
const mark = (ip: Ip, { link, alias }: { readonly link: string; readonly alias: string }) =>
  ip(['link', 'set', 'dev', HALF_MADE, 'name', link, 'alias', alias])

/** The second is where the stack file mounts it: a container's own is read-only. */
const SETTINGS = ['/proc/sys/net', '/host/proc/sys/net']

/** The shim has the addresses that it is given. Routers on the LAN are not to give it more, or a way out. */
async function keepToItself(ip: Ip): Promise<void> {
  const set = async (version: 4 | 6, name: string, value: string) => {
    const path = `ipv${version}/conf/${HALF_MADE}/${name}`
    // A kernel without IPv6 has none of its own, a container may write neither: it works all the same.
    for (const root of SETTINGS) if (await isWritten(`${root}/${path}`, value)) return
  }
  await ip(['link', 'set', 'dev', HALF_MADE, 'addrgenmode', 'none']).catch(() => undefined)
  await set(6, 'accept_ra', '0')
  // Else it answers for the addresses of its parent too, with a MAC address of its own.
  await set(4, 'arp_filter', '1')
}

const isWritten = (path: string, text: string): Promise<boolean> =>
  writeFile(path, text).then(
    () => true,
    () => false,
  )

const ANSWERED = new Set(['REACHABLE', 'STALE', 'DELAY', 'PROBE'])
const ANSWER_MS = 400

/** Lets the kernel ask, as for anything that it sends, and looks at what it has learned. */
async function askFor(ip: Ip, { link, address }: { readonly link: string; readonly address: string }): Promise<void> {
  try {
    await ip(['neighbour', 'replace', address, 'dev', link, 'use'])
  } catch {
    // An older kernel, or a link without an address to ask from: nothing is learned, and nothing can be said against it.
    return
  }
  await setTimeout(ANSWER_MS)
  const known = readNeighbours(await ip(['-json', 'neighbour', 'show', address, 'dev', link]))
  await ip(['neighbour', 'delete', address, 'dev', link]).catch(() => undefined)
  const other = known.find(({ mac, states }) => mac !== undefined && states.some((state) => ANSWERED.has(state)))
  if (other === undefined) return
  const message = `The host's own address ${address} would be one that ${other.mac} on the LAN of ${link} has already: give that device another address, or \`reserve\` its address in the definition and run \`orrery network apply --allow-drain\`.`
  throw new HostFault('address-taken', message)
}

const isV6 = (address: string): boolean => address.includes(':')
const family = (destination: string): string => (isV6(destination) ? '-6' : '-4')

async function removed(removal: Promise<unknown>): Promise<void> {
  try {
    await removal
  } catch (error) {
    if (!isNothingThere(error)) throw error
  }
}
