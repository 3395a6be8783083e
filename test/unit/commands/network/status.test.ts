import { describe, expect, it } from 'vitest'
import type { NetworkView, NodeView } from '../../../../src/bootstrap/network.ts'
import { networkStatus } from '../../../../src/commands/network/status.ts'
import { aNetwork, aNode, anAllocation, fakeNetworks } from '../../../support/builders/network-views.ts'
import { T0 } from '../../../support/use-cases/fake-use-cases.ts'
import { aPlan, fakeConsole, fakeSession } from './fake-session.ts'

interface Story {
  readonly networks?: readonly NetworkView[]
  readonly nodes?: readonly NodeView[]
  readonly session?: Parameters<typeof fakeSession>[0]
  readonly options?: Parameters<typeof networkStatus>[1]
}

const shown = async ({ networks, nodes, session, options = {} }: Story = {}) => {
  const { io, out, err } = fakeConsole()
  const catalog = () => fakeNetworks(networks, nodes)
  const code = await networkStatus(
    fakeSession({ catalog, bootstrap: { plan: async () => aPlan() }, ...session }),
    options,
    io,
  )
  return { code, out: out(), err: err() }
}
const condition = (type: NetworkView['conditions'][number]['type'], status: boolean, reason: string) => ({
  type,
  status,
  reason,
  sinceMs: T0,
})

describe('orrery network status', () => {
  it('shows each network with its figures, nodes and addresses', async () => {
    const { code, out } = await shown()
    expect(code).toBe(0)
    expect(out).toBe(`vlan40: macvlan, 172.80.0.0/16, parent bond0.40; 1 of 253 addresses used, 252 free
┌─────────┬───────────────┬──────────┬──────────────┬──────────┬──────┬───────┬─────────┬───────────┐
│ NODE    │ RANGE         │ PARENT   │ SHIM         │ USED     │ FREE │ READY │ MATCHES │ AGENT     │
├─────────┼───────────────┼──────────┼──────────────┼──────────┼──────┼───────┼─────────┼───────────┤
│ worker1 │ 172.80.2.0/24 │ bond0.40 │ 172.80.2.254 │ 1 of 253 │ 252  │ yes   │ yes     │ reporting │
└─────────┴───────────────┴──────────┴──────────────┴──────────┴──────┴───────┴─────────┴───────────┘
┌─────────┬──────────────┬──────┬─────────┬──────────┬───────────┬─────────┐
│ NODE    │ ADDRESS      │ USE  │ SERVICE │ TASK     │ CONTAINER │ STATE   │
├─────────┼──────────────┼──────┼─────────┼──────────┼───────────┼─────────┤
│ worker1 │ 172.80.2.1   │ task │ web     │ web.1.t1 │ c1        │ running │
│ worker1 │ 172.80.2.254 │ shim │ -       │ -        │ -         │ -       │
└─────────┴──────────────┴──────┴─────────┴──────────┴───────────┴─────────┘
`)
  })

  it('names what is not as it should be, what left and what comes next', async () => {
    const network = aNetwork({
      conditions: [
        condition('Valid', true, 'fine'),
        condition('Complete', false, 'without a range: worker3'),
        condition('Orphaned', true, 'no file defines it any more; what is active is kept'),
        condition('Removing', false, 'nobody removes it'),
      ],
      allocations: [
        anAllocation({
          isReady: false,
          isAsWanted: false,
          faults: [{ code: 'parent-down', message: 'bond0 is down' }],
          change: 'draining to 172.80.9.0/24',
        }),
      ],
      freed: [{ range: '172.80.7.0/24', nodeId: 'x', hostname: 'worker7', freedAtMs: T0 }],
      pending: ['give worker3 172.80.3.0/24'],
    })
    const silent = aNode({ agent: { isHeard: false, reportedAtMs: T0, faults: [{ code: 'engine', message: 'away' }] } })
    const { code, out } = await shown({ networks: [network], nodes: [silent] })
    expect(code).toBe(0)
    expect(out.split('\n').slice(1, 5)).toEqual([
      '  not Complete: without a range: worker3',
      '  Orphaned: no file defines it any more; what is active is kept',
      '  freed: 172.80.7.0/24, released by worker7, reusable from 2026-02-01T12:00:00.000Z',
      '  next: give worker3 172.80.3.0/24',
    ])
    for (const part of ['draining to 172.80.9.0/24', 'parent-down: bond0 is down', 'silent', 'engine: away']) {
      expect(out).toContain(part)
    }
  })

  it('says unknown of what only agents know, and why, when nobody tells it', async () => {
    const count = { usable: 253, used: null, free: null }
    const network = aNetwork({
      count,
      conditions: [
        condition('AsWanted', false, 'worker1 has never reported'),
        condition('AgentsHeard', false, 'worker1'),
      ],
      allocations: [anAllocation({ count, isAsWanted: null, addresses: [] })],
    })
    const unheard = () => ({ reason: 'no controller answers at http://127.0.0.1:8000', isThere: false })
    const { code, out } = await shown({ networks: [network], nodes: [], session: { unheard } })
    expect(code).toBe(0)
    expect(out).toContain('What only agents know is unknown here: no controller answers at http://127.0.0.1:8000.\n')
    expect(out).toContain(
      '; unknown of 253 addresses used, unknown free\n  AsWanted: unknown\n  AgentsHeard: unknown\n',
    )
    expect(out).toContain('│ unknown of 253 │ unknown │ yes   │ unknown │ unknown │')
  })

  it('tells an agent that was never heard from one that a controller hears', async () => {
    const { out } = await shown({ nodes: [aNode({ agent: { isHeard: false, faults: [] } })] })
    expect(out).toContain('never reported')
  })

  it('lists up to forty addresses unasked, and all of them when asked', async () => {
    const addresses = Array.from({ length: 41 }, (_, n) => ({
      address: `172.80.2.${n + 1}`,
      use: 'container' as const,
    }))
    const reserved = { address: '172.80.2.255', use: 'reserved' as const }
    const of = (many: number) => [
      aNetwork({ allocations: [anAllocation({ addresses: [...addresses.slice(0, many), reserved] })] }),
    ]
    const forty = await shown({ networks: of(40) })
    expect(forty.out).toContain('172.80.2.40 ')
    expect(forty.out).not.toContain('172.80.2.255')
    const more = await shown({ networks: of(41) })
    expect(more.out).not.toContain('172.80.2.40 ')
    expect(more.out).toContain('  41 addresses are in use; --addresses lists them\n')
    const asked = await shown({ networks: of(41), options: { addresses: true } })
    for (const address of ['172.80.2.41 ', '172.80.2.255']) expect(asked.out).toContain(address)
  })

  it('says so when there is no network', async () => {
    expect(await shown({ networks: [] })).toMatchObject({
      code: 0,
      out: 'No network is defined, and none is active.\n',
    })
  })

  it('shows what is in force all the same when a definition has errors, and ends with 1', async () => {
    const issues = [{ file: 'vlan40.yaml', field: 'range', level: 'error', message: 'it must be 8 to 30' }] as const
    const { code, out, err } = await shown({ session: { definitions: { files: [], issues } } })
    expect(code).toBe(1)
    expect(err).toContain('vlan40.yaml range: it must be 8 to 30')
    expect(out).toContain('worker1')
  })

  it('is for machines what GET /v1/network answers', async () => {
    const { out } = await shown({ options: { json: true } })
    expect(JSON.parse(out)).toMatchObject({
      networks: [{ name: 'vlan40', usable: 253, used: 1, nodes: [{ hostname: 'worker1', addresses: [{}, {}] }] }],
      issues: [],
    })
  })
})
