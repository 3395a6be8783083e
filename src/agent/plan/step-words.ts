/** What a step has mended, for a person: in the report, the log and the events. */
import type { NodeStep } from './host.ts'

export function mendedBy(step: NodeStep): string {
  switch (step.do) {
    case 'make-vlan':
      return `made the VLAN link ${step.link}`
    case 'make-shim':
      return `made the shim link ${step.link} on ${step.lower}`
    case 'remove-link':
      return `removed the link ${step.link}`
    case 'raise-link':
      return `set the link ${step.link} up`
    case 'set-promiscuous':
      return step.isOn ? `made ${step.link} promiscuous` : `${step.link} is no longer promiscuous`
    case 'add-address':
      return `gave ${step.link} the address ${step.address}`
    case 'remove-address':
      return `took the address ${step.address} from ${step.link}`
    case 'set-route':
      return `routed ${step.destination} by ${step.link}`
    case 'remove-route':
      return `removed the route to ${step.destination} by ${step.link}`
    case 'create-network':
      return `created the config-only network ${step.network.name}`
    case 'remove-network':
      return `removed the config-only network ${step.name}`
    default:
      return step satisfies never
  }
}
