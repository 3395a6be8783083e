/** The session of the commands `network …`, in memory. What a test does not set throws when it is called. */

import type { ClusterPlan, NetworkPlan, PlanRow } from '../../../../src/bootstrap/plan/words.ts'
import type { Bootstrap } from '../../../../src/bootstrap/reconcile/open-bootstrap.ts'
import type { ChangeResult } from '../../../../src/bootstrap/reconcile/progress.ts'
import type { Console } from '../../../../src/commands/console.ts'
import type { NetworkSession } from '../../../../src/commands/network/session.ts'
import { fakeNetworks } from '../../../support/builders/network-views.ts'

export const aPlanRow = (change: Partial<PlanRow> = {}): PlanRow => ({
  nodeId: 'node-1',
  hostname: 'worker1',
  range: '172.80.2.0/24',
  capacity: 253,
  parent: 'bond0.40',
  shim: '172.80.2.1',
  action: 'keep',
  reason: 'it matches',
  isReady: true,
  ...change,
})

export const aNetworkPlan = (change: Partial<NetworkPlan> = {}): NetworkPlan => ({
  name: 'vlan40',
  verdict: 'kept',
  problems: [],
  nodes: [aPlanRow()],
  steps: [],
  ...change,
})

export const aPlan = (networks: readonly NetworkPlan[] = [aNetworkPlan()]): ClusterPlan => ({ networks, problems: [] })

export const aResult = (change: Partial<ChangeResult> = {}): ChangeResult => ({
  outcome: 'unchanged',
  reason: '',
  done: [],
  left: [],
  problems: [],
  plan: aPlan(),
  ...change,
})

const unset = (name: string) => async (): Promise<never> => {
  throw new Error(`the test did not expect a call of ${name}`)
}

export const fakeBootstrap = (change: Partial<Bootstrap> = {}): Bootstrap => ({
  plan: unset('plan'),
  apply: unset('apply'),
  remove: unset('remove'),
  adopt: unset('adopt'),
  release: unset('release'),
  ...change,
})

export const fakeSession = ({
  bootstrap,
  ...change
}: Partial<Omit<NetworkSession, 'bootstrap'>> & { readonly bootstrap?: Partial<Bootstrap> } = {}): NetworkSession => ({
  isAuto: false,
  definitions: { files: [], issues: [] },
  bootstrap: fakeBootstrap(bootstrap),
  catalog: () => fakeNetworks(),
  unheard: () => undefined,
  close: async () => {},
  ...change,
})

export function fakeConsole(): { readonly io: Console; readonly out: () => string; readonly err: () => string } {
  const [out, err] = [[] as string[], [] as string[]]
  const io: Console = {
    version: '0.0.0-test',
    env: {},
    isTerminal: false,
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    onStop: () => {},
  }
  return { io, out: () => out.join(''), err: () => err.join('') }
}
