/** From what is in force to what is wanted of one node. Pure. */
import type { WantedFamily, WantedNetwork, WantedState } from '../../swarm/wanted.ts'
import type { FamilyDefinition } from '../definition/definition.ts'
import type { FamilyLayout } from '../definition/family-layout.ts'
import type { NetworkRecord, NodeShare } from './record.ts'
import { shareLayout } from './share-layout.ts'

export interface WantedInput {
  readonly nodeId: string
  /** By name of the network: those that can be read. One that is not mentioned is left alone by the agent. */
  readonly records: ReadonlyMap<string, NetworkRecord>
  /** The highest Version.Index of the `orrery-` configs, read together with the records. */
  readonly revision: number
}

/** While a node is recreated, the range it changes to is what is wanted; before that, what it has. */
const inForce = (share: NodeShare): Pick<NodeShare, 'range' | 'range6' | 'parent' | 'aux' | 'aux6'> =>
  share.change?.stage === 'recreating' ? share.change : share

const wantedFamily = ({ subnet, gateway }: FamilyDefinition, { range, aux, shim }: FamilyLayout): WantedFamily => ({
  subnet,
  ...(gateway === undefined ? {} : { gateway }),
  range,
  aux,
  ...(shim === undefined ? {} : { shim }),
})

const wantedNetwork = ({ definition, phase }: NetworkRecord, share: NodeShare): WantedNetwork => {
  const part = inForce(share)
  const layout = shareLayout(definition, part)
  const { name, configName, driver, ipv4, ipv6 } = definition
  return {
    name,
    configName,
    presence: phase === 'removing' ? 'absent' : 'present',
    driver,
    parent: part.parent,
    ipv4: wantedFamily(ipv4, layout.ipv4),
    ...(ipv6 === undefined || layout.ipv6 === undefined ? {} : { ipv6: wantedFamily(ipv6, layout.ipv6) }),
    isAdopted: share.isAdopted,
    mayRecreate: phase === 'present' && share.change?.stage === 'recreating',
  }
}

/** Networks sorted by name. A node without a share of a network hears nothing of it. */
export const wantedOf = ({ nodeId, records, revision }: WantedInput): WantedState => ({
  v: 1,
  nodeId,
  revision,
  networks: [...records.values()]
    .flatMap((record) => {
      const share = record.shares.get(nodeId)
      return share === undefined ? [] : [wantedNetwork(record, share)]
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1)),
})
