/** Which link a network is on, and what keeps it from being that. */

import { contains, parseBlock, parseCidr } from '../../foundation/address.ts'
import { isLinkDriver } from '../../swarm/networks.ts'
import type { ReportedFault } from '../../swarm/node-report.ts'
import type { WantedNetwork } from '../../swarm/wanted.ts'
import type { HostLink, HostState, HostStep } from './host.ts'
import { aliasOf, isOurs, MAX_LINK_NAME, vlanOf } from './link-names.ts'

export interface Parent {
  /** Absent: `auto`, and none was found. */
  readonly name?: string
  /** It is there and up, or will be after the steps. */
  readonly isUsable: boolean
  readonly steps: readonly HostStep[]
  readonly faults: readonly ReportedFault[]
}

/** Of containers, mostly: none of them leads to a LAN, and there may be hundreds. */
const INNER_KINDS = new Set(['macvlan', 'ipvlan', 'tun', 'dummy'])
const MOST_NAMES = 20
const VLAN_IDS = { lowest: 1, highest: 4094 }

/** `inUse`: the parent of the config-only network that is there already; `auto` stays with it. */
export function findParent(wanted: WantedNetwork, host: HostState, inUse: string | undefined): Parent {
  if (wanted.parent === 'auto') return automatic(wanted, host, inUse)
  const link = linkNamed(host, wanted.parent)
  return link === undefined ? missing(wanted, host) : existing(link, host)
}

export const linkNamed = ({ links }: Pick<HostState, 'links'>, name: string): HostLink | undefined =>
  links.find((link) => link.name === name)

function automatic(wanted: WantedNetwork, host: HostState, inUse: string | undefined): Parent {
  const { subnet } = wanted.ipv4
  const found = linksIn(subnet, host)
  const chosen = found.find(({ name }) => name === inUse) ?? (found.length === 1 ? found[0] : undefined)
  if (chosen !== undefined) return existing(chosen, host)
  const remedy = `name it: node label orrery.parent.${wanted.name}, or \`parent\` in the definition`
  if (found.length > 1) {
    const names = found.map(({ name }) => name).join(', ')
    return none('parent-ambiguous', `Several links have an address in ${subnet} (${names}), so ${remedy}.`)
  }
  const text = `No link has an address in ${subnet}: give the link of that LAN one, or ${remedy}.`
  const kept = inUse === undefined ? undefined : linkNamed(host, inUse)
  if (kept === undefined) return none('parent-not-found', text)
  // It was found once, and what runs there goes on.
  const stays = existing(kept, host)
  return { ...stays, faults: [{ code: 'parent-not-found', message: text }, ...stays.faults] }
}

/** Shims have an address in the subnet too, ours and those of others: none of them is a way out. */
function linksIn(subnet: string, { links }: HostState): readonly HostLink[] {
  const block = parseBlock(subnet)
  if (block === undefined) return []
  return links.filter(({ kind, addresses }) => {
    if (isLinkDriver(kind)) return false
    return addresses.some(({ address }) => {
      const cidr = parseCidr(address)
      return (
        cidr !== undefined &&
        contains(block, { family: block.family, first: cidr.address, last: cidr.address }) &&
        cidr.block.family === block.family
      )
    })
  })
}

function existing(link: HostLink, host: HostState): Parent {
  const { name, master } = link
  if (master !== undefined && master.kind !== 'vrf') {
    const message = `The link ${name} is a port of ${master.name}, so nothing else can be made on it: use ${master.name} as parent.`
    return none('parent-enslaved', message, name)
  }
  if (!link.isUp) {
    if (!isOurs(link))
      return none(
        'parent-down',
        `The parent ${name} is down: ip link set ${name} up, and for the next boot in the network configuration of the host.`,
        name,
      )
    const lower = link.lower === undefined ? undefined : linkNamed(host, link.lower)
    if (lower?.isUp === false) return none('parent-down', lowerIsDown(name, lower.name), name)
    return { name, isUsable: true, steps: [{ do: 'raise-link', link: name }], faults: [] }
  }
  const faults = link.hasCarrier
    ? []
    : [
        {
          code: 'parent-no-carrier',
          message: `The parent ${name} is up and has no carrier: look at its cable or switch port.`,
        },
      ]
  return { name, isUsable: true, steps: [], faults }
}

function missing(wanted: WantedNetwork, host: HostState): Parent {
  const { parent: name } = wanted
  if (name.length > MAX_LINK_NAME) {
    return none(
      'parent-name-too-long',
      `The parent's name "${name}" has ${name.length} characters, and the kernel allows ${MAX_LINK_NAME}: rename the link, or make the VLAN link by hand with a shorter name.`,
      name,
    )
  }
  const there = host.links.filter(({ kind }) => kind === undefined || !INNER_KINDS.has(kind)).map((link) => link.name)
  const [bare, shownOn] = name.split('@')
  if (shownOn !== undefined) {
    const message = `"${name}" is how ip(8) shows a link and what it is on; its name is ${bare}: correct \`parent\`, or the node label orrery.parent.${wanted.name}.`
    return none('parent-missing', message, name)
  }
  const vlan = vlanOf(name)
  const lower = vlan === undefined ? undefined : linkNamed(host, vlan.lower)
  if (vlan === undefined || lower === undefined) {
    const what = vlan === undefined ? `the link ${name}` : `either ${name} or ${vlan.lower}, on which it could be made`
    return none(
      'parent-missing',
      `This host does not have ${what}: it has ${there.slice(0, MOST_NAMES).join(', ')}. Correct \`parent\`, or set the node label orrery.parent.${wanted.name}.`,
      name,
    )
  }
  const { id } = vlan
  if (id < VLAN_IDS.lowest || id > VLAN_IDS.highest) {
    return none('vlan-impossible', `There is no VLAN ${id}: ids are ${VLAN_IDS.lowest} to ${VLAN_IDS.highest}.`, name)
  }
  if (!lower.isUp) return none('parent-down', lowerIsDown(name, lower.name), name)
  const steps: HostStep[] = [
    { do: 'make-vlan', link: name, lower: lower.name, id, alias: aliasOf(wanted.name) },
    { do: 'raise-link', link: name },
  ]
  return { name, isUsable: true, steps, faults: [] }
}

const lowerIsDown = (name: string, lower: string): string =>
  `The link ${lower}, on which ${name} is made, is down: ip link set ${lower} up, and for the next boot in the network configuration of the host.`

function none(code: string, message: string, name?: string): Parent {
  return { ...(name !== undefined && { name }), isUsable: false, steps: [], faults: [{ code, message }] }
}
