/** Which ports of a task are registered: `orrery.ports` or what the image exposes, and what a key names. Pure. */
import { type Issue, isPort, issueOf, PORTS_KEY, type ServiceKeys } from './service-keys.ts'

export interface TaskPort {
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
}

/** `exposed`: `80/tcp`, as the engine writes it. `explicit`: the value of `orrery.ports`. Sorted by port, tcp first. */
export function taskPorts(
  exposed: readonly string[],
  explicit: string | undefined,
  keys: Pick<ServiceKeys, 'namedPorts'>,
): { readonly ports: readonly TaskPort[]; readonly issues: readonly Issue[] } {
  const found = new Map<string, TaskPort>()
  const issues: Issue[] = []
  const add = (port: TaskPort) => found.set(`${port.port}/${port.protocol}`, port)
  if (explicit === undefined) for (const text of exposed) for (const port of readPorts(text) ?? []) add(port)
  else {
    for (const part of explicit.split(',').map((text) => text.trim())) {
      const ports = part === '' ? [] : readPorts(part)
      if (ports === undefined)
        issues.push(issueOf(PORTS_KEY, part, 'is not a port: 80/tcp, 53/udp or 8080 would be right (1 to 65535)'))
      else for (const port of ports) add(port)
    }
  }
  const known = new Set([...found.values()].map(({ port }) => port))
  for (const port of keys.namedPorts) if (!known.has(port)) add({ port, protocol: 'tcp' })
  const ports = [...found.values()].toSorted(
    (one, other) => one.port - other.port || one.protocol.localeCompare(other.protocol),
  )
  return { ports, issues }
}

/** `80/tcp`, `53`; no protocol is tcp. SCTP is not a port that Consul knows of, and is nothing here. */
function readPorts(text: string): TaskPort[] | undefined {
  const [, digits, protocol = 'tcp'] = /^([0-9]{1,5})(?:\/([a-z]+))?$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || !isPort(port)) return undefined
  if (protocol === 'sctp') return []
  return protocol === 'tcp' || protocol === 'udp' ? [{ port, protocol }] : undefined
}
