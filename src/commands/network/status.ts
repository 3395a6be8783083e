/** `orrery network status`: what is in force, every node and address, and what is not as it should be. */
import type { NetworkCatalog } from '../../bootstrap/network.ts'
import { wireNetwork } from '../../http/wire/network.ts'
import type { Console, ExitCode } from '../console.ts'
import { areUsable } from './definitions.ts'
import type { NetworkDesk } from './desk.ts'
import { unheardLine } from './problems.ts'
import { networkText } from './status-text.ts'

export interface StatusOptions {
  readonly addresses?: true
  readonly json?: true
}

export async function networkStatus(
  desk: NetworkDesk,
  { addresses, json }: StatusOptions,
  io: Console,
): Promise<ExitCode> {
  const areDefinitionsFine = areUsable(desk.definitions, io)
  const catalog = desk.catalog(await desk.bootstrap.plan({ mode: 'keep' }))
  const unheard = desk.unheard()
  if (json) io.out(`${JSON.stringify({ ...statusJson(catalog), ...(unheard && { unknown: unheard.reason }) })}\n`)
  else {
    if (unheard !== undefined) io.out(`${unheardLine(unheard)}\n\n`)
    const agents = new Map(catalog.nodes().map(({ id, agent }) => [id, agent]))
    const shown = { areAddressesAsked: addresses === true, areAgentsUnknown: unheard !== undefined, agents }
    const networks = catalog.networks()
    io.out(networks.length === 0 ? 'No network is defined, and none is in force.\n' : '')
    io.out(networks.map((network) => networkText(network, shown)).join('\n'))
  }
  return areDefinitionsFine ? 0 : 1
}

/** As `GET /v1/network`. */
function statusJson(catalog: NetworkCatalog) {
  const { fault, issues } = catalog.issues()
  return {
    networks: catalog.networks().map((view) => wireNetwork(view, { addresses: true })),
    ...(fault !== undefined && { fault }),
    issues,
  }
}
