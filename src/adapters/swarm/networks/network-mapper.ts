/** Networks as an engine lists them (`GET /networks`): swarm-scope ones, and its own. */
import { withoutUndefined } from '../../../foundation/without-undefined.ts'
import type { EngineNetwork, EngineSubnet } from '../../../swarm/networks.ts'
import { EngineError } from '../engine/engine-errors.ts'
import { at, labelsAt, textAt } from '../engine/engine-json.ts'

/** Throws EngineError `malformed` when it is no list of networks. */
export function readNetworks(list: unknown): readonly EngineNetwork[] {
  if (!Array.isArray(list)) throw new EngineError('malformed', 'GET /networks did not answer with a list.')
  return list.map(readNetwork)
}

function readNetwork(raw: unknown): EngineNetwork {
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
  const [range, gateway] = [textAt(raw, 'IPRange') || undefined, textAt(raw, 'Gateway') || undefined]
  return [{ subnet, ...withoutUndefined({ range, gateway }), aux: labelsAt(raw, 'AuxiliaryAddresses') }]
}
