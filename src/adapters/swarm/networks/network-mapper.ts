/** A network as an engine lists it (`GET /networks`): a swarm-scope one, or one of its own. */
import type { EngineNetwork, EngineSubnet } from '../../../swarm/networks.ts'
import { EngineError } from '../engine/engine-errors.ts'
import { at, labelsAt, textAt } from '../engine/engine-json.ts'

/** Throws EngineError `malformed`. */
export function readNetwork(raw: unknown): EngineNetwork {
  const id = textAt(raw, 'Id')
  const name = textAt(raw, 'Name')
  if (id === undefined || name === undefined) {
    throw new EngineError('malformed', 'The engine sent a network without an id or a name.')
  }
  const ipam = at(raw, 'IPAM', 'Config')
  return {
    id,
    name,
    driver: textAt(raw, 'Driver') ?? '',
    scope: textAt(raw, 'Scope') ?? '',
    configOnly: at(raw, 'ConfigOnly') === true,
    configFrom: textAt(raw, 'ConfigFrom', 'Network') ?? '',
    labels: labelsAt(raw, 'Labels'),
    options: labelsAt(raw, 'Options'),
    subnets: Array.isArray(ipam) ? ipam.flatMap(subnetOf) : [],
  }
}

function subnetOf(raw: unknown): EngineSubnet[] {
  const subnet = textAt(raw, 'Subnet')
  if (subnet === undefined || subnet === '') return []
  const range = textAt(raw, 'IPRange')
  const gateway = textAt(raw, 'Gateway')
  return [
    {
      subnet,
      ...(range !== undefined && range !== '' && { range }),
      ...(gateway !== undefined && gateway !== '' && { gateway }),
      aux: labelsAt(raw, 'AuxiliaryAddresses'),
    },
  ]
}
