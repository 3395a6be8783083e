/** Names and marks of links that an agent makes. */
import { isLinkDriver } from '../../swarm/networks.ts'
import type { HostLink } from './host.ts'

/** `ip link … alias` of links that an agent made, followed by the network's name. */
const LINK_ALIAS_PREFIX = 'orrery '
/** What the kernel allows. */
export const MAX_LINK_NAME = 15
/** Until a link that is being made has its mark. An agent that ended in between leaves it, and the next removes it. */
export const HALF_MADE = 'orrery-new'

const PREFIX = 'shim-'
const READABLE = 4
const HASH = 5

/** `shim-vlan40`; of a longer name its first letters and what tells it from others: `shim-prod~4k2p1`. */
export function shimName(network: string): string {
  if (PREFIX.length + network.length <= MAX_LINK_NAME) return `${PREFIX}${network}`
  // No network has a `~` in its name, so no short name can be the same.
  return `${PREFIX}${network.slice(0, READABLE)}~${hash(network)}`
}

/** FNV-1a, the last five digits to the base 36: not to be guessed at, only the same each time. */
function hash(text: string): string {
  let value = 0x811c9dc5
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return value.toString(36).padStart(HASH, '0').slice(-HASH)
}

export const aliasOf = (network: string): string => `${LINK_ALIAS_PREFIX}${network}`

/** Made by an agent, for whatever network. */
export const isOurs = (link: Pick<HostLink, 'alias'>): boolean => link.alias.startsWith(LINK_ALIAS_PREFIX)

/** A shim of ours, for whatever network. */
export const isShim = (link: HostLink): boolean => isOurs(link) && isLinkDriver(link.kind)

export interface VlanName {
  readonly lower: string
  /** As written, in range or not. */
  readonly id: number
}

/** `bond0.40` is VLAN 40 of bond0; `undefined`: the name says nothing of a VLAN. */
export function vlanOf(name: string): VlanName | undefined {
  const match = /^(.+)\.(\d{1,9})$/.exec(name)
  return match?.[1] === undefined ? undefined : { lower: match[1], id: Number(match[2]) }
}
