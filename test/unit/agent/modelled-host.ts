/** A node in memory: an observation, and what each step makes of it. Refuses what a kernel or an engine would refuse. */

import type { HostLink, NodeObservation, NodeStep } from '../../../src/agent/plan/host.ts'
import { HALF_MADE } from '../../../src/agent/plan/link-names.ts'
import type { EngineNetwork } from '../../../src/swarm/networks.ts'
import { configOnly } from '../../support/builders/networks.ts'

export const link = (name: string, over: Partial<HostLink> = {}): HostLink => ({
  name,
  isUp: true,
  hasCarrier: true,
  isPromiscuous: false,
  alias: '',
  addresses: [],
  ...over,
})

export const address = (text: string) => ({ address: text, scope: 'global', isDynamic: false })

export const network = (name: string, over: Partial<EngineNetwork> = {}): EngineNetwork =>
  configOnly('', { id: `id-of-${name}`, name, labels: {}, options: {}, subnets: [], ...over })

export const observation = (over: Partial<NodeObservation> = {}): NodeObservation => ({
  links: [
    link('lo', { addresses: [{ address: '127.0.0.1/8', scope: 'host', isDynamic: false }] }),
    link('eth0', { addresses: [address('10.0.0.5/24')] }),
    link('eth1', { addresses: [address('172.80.0.11/16')] }),
  ],
  routes: [
    { destination: '0.0.0.0/0', link: 'eth0' },
    { destination: '10.0.0.0/24', link: 'eth0', source: '10.0.0.5', protocol: 'kernel' },
    { destination: '172.80.0.0/16', link: 'eth1', source: '172.80.0.11', protocol: 'kernel' },
  ],
  networks: [],
  containers: [],
  promiscuousByUs: new Set(),
  adoptedByUs: new Set(),
  proven: new Map(),
  ...over,
})

/** The observation after the step. Throws Error where the step cannot be taken. */
export function taken(before: NodeObservation, step: NodeStep): NodeObservation {
  switch (step.do) {
    case 'make-vlan':
    case 'make-shim': {
      refuse(
        before.links.some(({ name }) => name === step.link || name === HALF_MADE),
        `${step.link} is there`,
      )
      must(before, step.lower)
      const kind = step.do === 'make-vlan' ? 'vlan' : step.driver
      const mode = step.do === 'make-vlan' ? {} : { mode: step.driver === 'macvlan' ? 'bridge' : 'l2' }
      const made = link(step.link, { kind, lower: step.lower, alias: step.alias, isUp: false, ...mode })
      return { ...before, links: [...before.links, made] }
    }
    case 'remove-link': {
      must(before, step.link)
      const goes = (one: HostLink): boolean =>
        one.name === step.link || before.links.some((lower) => lower.name === one.lower && goes(lower))
      const gone = new Set(before.links.filter(goes).map(({ name }) => name))
      return {
        ...before,
        links: before.links.filter(({ name }) => !gone.has(name)),
        routes: before.routes.filter((route) => !gone.has(route.link ?? '')),
      }
    }
    case 'raise-link': {
      const { lower } = must(before, step.link)
      refuse(lower !== undefined && !must(before, lower).isUp, `${lower} is down`)
      return changed(before, step.link, { isUp: true })
    }
    case 'set-promiscuous': {
      const promiscuousByUs = new Set(before.promiscuousByUs)
      if (step.isOn) promiscuousByUs.add(step.link)
      else promiscuousByUs.delete(step.link)
      return { ...changed(before, step.link, { isPromiscuous: step.isOn }), promiscuousByUs }
    }
    case 'add-address':
      return changed(before, step.link, { addresses: [...must(before, step.link).addresses, address(step.address)] })
    case 'remove-address': {
      const stay = must(before, step.link).addresses.filter((one) => one.address !== step.address)
      return changed(before, step.link, { addresses: stay })
    }
    case 'set-route': {
      const { isUp, addresses } = must(before, step.link)
      refuse(!isUp, `${step.link} is down`)
      refuse(!addresses.some((one) => one.address.split('/')[0] === step.source), `${step.source} is not ours`)
      const same = before.routes.filter(({ destination }) => destination === step.destination)
      refuse(
        same.some((route) => route.link !== step.link),
        `a route of another link would be replaced`,
      )
      const { destination, link: by, source } = step
      const others = before.routes.filter((route) => route.destination !== destination)
      return { ...before, routes: [...others, { destination, link: by, source }] }
    }
    case 'remove-route': {
      const { destination, link: by } = step
      const stay = before.routes.filter((route) => route.destination !== destination || route.link !== by)
      refuse(stay.length === before.routes.length, `there is no route to ${destination}`)
      return { ...before, routes: stay }
    }
    case 'create-network': {
      const { name, labels, options, subnets } = step.network
      refuse(
        before.networks.some((one) => one.name === name),
        `${name} is there`,
      )
      return { ...before, networks: [...before.networks, network(name, { labels, options, subnets: [...subnets] })] }
    }
    case 'adopt-network':
      return { ...before, adoptedByUs: new Set([...before.adoptedByUs, step.id]) }
    case 'remove-network': {
      const gone = before.networks.find(({ id }) => id === step.id)
      refuse(gone === undefined, `${step.name} is not there`)
      const users = before.networks.filter(({ configFrom }) => configFrom === gone?.name).map(({ name }) => name)
      const isUsed = before.containers.some(({ addresses }) => addresses.some((one) => users.includes(one.network)))
      refuse(isUsed, `configuration network "${step.name}" is in use`)
      return { ...before, networks: before.networks.filter(({ id }) => id !== step.id) }
    }
    case 'set-mtu':
      return changed(before, step.link, { mtu: step.mtu })
    case 'ask-for-address':
      must(before, step.link)
      return before
    case 'prove-network': {
      refuse(!before.networks.some(({ name }) => name === step.configFrom), `there is no ${step.configFrom}`)
      return { ...before, proven: new Map([...before.proven, [step.network, step.basis]]) }
    }
    default:
      throw new Error(`unknown step ${JSON.stringify(step satisfies never)}`)
  }
}

function must({ links }: NodeObservation, name: string): HostLink {
  const found = links.find((one) => one.name === name)
  if (found === undefined) throw new Error(`the model has no link ${name}`)
  return found
}

function changed(before: NodeObservation, name: string, change: Partial<HostLink>): NodeObservation {
  must(before, name)
  return { ...before, links: before.links.map((one) => (one.name === name ? { ...one, ...change } : one)) }
}

function refuse(when: boolean, why: string): void {
  if (when) throw new Error(`refused: ${why}`)
}
