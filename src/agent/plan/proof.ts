/** Whether the engine can make the network for a first task, which it would else refuse only when that comes. Pure. */

import { overlaps, parseCidr } from '../../foundation/address.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { EngineNetwork } from '../../swarm/networks.ts'
import type { ReportedFault } from '../../swarm/node-report.ts'
import { familiesOf, type WantedNetwork } from '../../swarm/wanted.ts'
import type { NetworkProof, NodeObservation, NodeStep } from './host.ts'

const PREFIX = 'orrery-probe-'

/** No definition can have this name: it is longer than they may be, or another one's. */
export const probeName = (network: string): string => `${PREFIX}${network}`

/** Ours by its name together with what it is made from: such a network takes no labels. */
export const isProbe = ({ name, scope }: Pick<EngineNetwork, 'name' | 'scope'>): boolean =>
  name.startsWith(PREFIX) && scope === 'local'

/** One that an agent left behind when it was killed: tasks are refused while it is there. */
export const removeProbes = (wanted: WantedNetwork, { networks }: NodeObservation): NodeStep[] =>
  networks
    .filter((one) => isProbe(one) && one.name === probeName(wanted.name) && one.configFrom === wanted.configName)
    .map(({ id, name }) => ({ do: 'remove-network', id, name }))

/** `config`: as it should be. Nothing where it was proved on the same basis, or where a task, which is proof enough, is on it. */
export function planProof(
  wanted: WantedNetwork,
  config: EngineNetwork,
  { networks, proven }: NodeObservation,
): readonly NodeStep[] {
  const others = networks.filter((one) => one.id !== config.id && one.name !== wanted.name && !isProbe(one))
  const real = others.filter(({ configOnly }) => !configOnly)
  const basis = JSON.stringify([config.id, real.map(({ id }) => id).sort()])
  if (proven.get(wanted.name) === basis) return []
  const suspects = real
    .filter((one) => isSuspect(one, networks, { wanted, config }))
    .map(({ name, driver }) => `${name} (${driver})`)
  const { name: network, configName: configFrom, driver, networkId } = wanted
  return [{ do: 'prove-network', network, configFrom, driver, basis, suspects, ...withoutUndefined({ networkId }) }]
}

function isSuspect(
  other: EngineNetwork,
  networks: readonly EngineNetwork[],
  { wanted, config }: { readonly wanted: WantedNetwork; readonly config: EngineNetwork },
): boolean {
  // On a manager a swarm network shows neither parent nor subnet of its own: its config-only network has them.
  const made = networks.find(({ name, configOnly }) => configOnly && name === other.configFrom)
  const parent = other.options.parent ?? made?.options.parent
  if (parent !== undefined && parent === config.options.parent) return true
  const ours = familiesOf(wanted).flatMap(({ subnet }) => parseCidr(subnet) ?? [])
  return [...other.subnets, ...(made?.subnets ?? [])].some(({ subnet }) => {
    const theirs = parseCidr(subnet)
    return theirs !== undefined && ours.some(({ block }) => overlaps(block, theirs.block))
  })
}

/** What an agent says when the engine refused it; `reason`: the engine's words. */
export function refusedProof({ network, suspects }: NetworkProof, reason: string): ReportedFault {
  const remedy =
    suspects.length === 0
      ? 'Look at the networks of this engine (docker network ls) for what is in the way'
      : `In the way may be ${suspects.join(', ')}: remove what is not needed (docker network rm)`
  const message = `The engine would refuse every task of "${network}" (${reason.replace(/\.$/, '')}). ${remedy}, or define another subnet or parent.`
  return { code: 'engine-refused', message }
}
