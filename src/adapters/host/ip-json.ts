/** What iproute2 prints with `-j`, read. Fields that it does not print are absent, and what is no link is left out. */
import type { HostAddress, HostLink, HostRoute } from '../../agent/plan/host.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'

/** Of `ip -json -details address show`. Throws SyntaxError. */
export function readLinks(text: string): readonly HostLink[] {
  return list(text).flatMap((raw) => {
    const name = textAt(raw, 'ifname')
    return name === undefined ? [] : [linkOf(name, raw)]
  })
}

function linkOf(name: string, raw: unknown): HostLink {
  const flags = listAt(raw, 'flags')
  const info = at(raw, 'linkinfo')
  const kind = textAt(info, 'info_kind')
  const mode = textAt(at(info, 'info_data'), 'mode')
  const mtu = at(raw, 'mtu')
  const mac = textAt(raw, 'link_type') === 'ether' ? textAt(raw, 'address') : undefined
  const master = textAt(raw, 'master')
  return {
    name,
    isUp: flags.includes('UP'),
    hasCarrier: !flags.includes('NO-CARRIER'),
    isPromiscuous: flags.includes('PROMISC'),
    alias: textAt(raw, 'ifalias') ?? '',
    ...(typeof mtu === 'number' && { mtu }),
    ...withoutUndefined({ mac, kind, mode, lower: textAt(raw, 'link') }),
    ...(master !== undefined && { master: { name: master, kind: textAt(info, 'info_slave_kind') ?? '' } }),
    addresses: listAt(raw, 'addr_info').flatMap(addressOf),
  }
}

function addressOf(raw: unknown): HostAddress[] {
  const local = textAt(raw, 'local')
  const length = at(raw, 'prefixlen')
  if (local === undefined || typeof length !== 'number') return []
  return [
    {
      address: `${local}/${length}`,
      scope: textAt(raw, 'scope') ?? 'global',
      isDynamic: at(raw, 'dynamic') === true,
    },
  ]
}

/** Of `ip -json route show`. Throws SyntaxError. */
export function readRoutes(text: string, family: 4 | 6): readonly HostRoute[] {
  return list(text).flatMap((raw) => {
    const destination = textAt(raw, 'dst')
    if (destination === undefined) return []
    const [link, source, protocol] = [textAt(raw, 'dev'), textAt(raw, 'prefsrc'), textAt(raw, 'protocol')]
    const gateways = [raw, ...listAt(raw, 'nexthops')].flatMap(gatewayOf)
    return [
      {
        destination: withLength(destination, family),
        ...withoutUndefined({ link, source, protocol }),
        ...(gateways.length > 0 && { gateways }),
      },
    ]
  })
}

/** `via`: of another family than the route. */
const gatewayOf = (raw: unknown): string[] => {
  const gateway = textAt(raw, 'gateway') ?? textAt(at(raw, 'via'), 'host')
  return gateway === undefined ? [] : [gateway]
}

/** Of `ip -json neighbour show`. Throws SyntaxError. */
export const readNeighbours = (
  text: string,
): readonly { readonly mac?: string; readonly states: readonly string[] }[] =>
  list(text).map((raw) => ({
    ...withoutUndefined({ mac: textAt(raw, 'lladdr') }),
    states: listAt(raw, 'state').filter((state) => typeof state === 'string'),
  }))

function withLength(destination: string, family: 4 | 6): string {
  if (destination === 'default') return family === 4 ? '0.0.0.0/0' : '::/0'
  return destination.includes('/') ? destination : `${destination}/${family === 4 ? 32 : 128}`
}

function list(text: string): readonly unknown[] {
  // It prints nothing at all where there is no table.
  const parsed: unknown = text.trim() === '' ? [] : JSON.parse(text)
  if (!Array.isArray(parsed)) throw new SyntaxError('no list')
  return parsed
}

const at = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined

function textAt(value: unknown, name: string): string | undefined {
  const found = at(value, name)
  return typeof found === 'string' ? found : undefined
}

function listAt(value: unknown, name: string): readonly unknown[] {
  const found = at(value, name)
  return Array.isArray(found) ? found : []
}
