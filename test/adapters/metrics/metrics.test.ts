import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createAutoscalingMetrics } from '../../../src/adapters/metrics/autoscaling-metrics.ts'
import { measureDiscovery } from '../../../src/adapters/metrics/discovery-metrics.ts'
import { createEngineMetrics } from '../../../src/adapters/metrics/engine-metrics.ts'
import { measureLoadTicks } from '../../../src/adapters/metrics/load-metrics.ts'
import { measureNetworks } from '../../../src/adapters/metrics/network-metrics.ts'
import { createMetricsRegistry } from '../../../src/adapters/metrics/registry.ts'
import type { StandingAlert } from '../../../src/autoscaling/alerts/alert-state.ts'
import type { Autoscaler, ConditionType } from '../../../src/autoscaling/autoscaler.ts'
import type { NetworkView, NodeView } from '../../../src/bootstrap/network.ts'
import { aNetwork, aNode, anAllocation } from '../../support/builders/network-views.ts'
import { aDecision, anAutoscaler, IN_SYNC, T0 } from '../../support/use-cases/fake-use-cases.ts'

/** The figures of every capability on one page. */
const createMetrics = ({ version, now }: { readonly version: string; readonly now: () => number }) => {
  const registry = createMetricsRegistry(version)
  const { watch: watchSync, ...engine } = createEngineMetrics(registry)
  const { watch, ...autoscaling } = createAutoscalingMetrics(registry, now)
  return {
    ...{ ...engine, ...autoscaling, text: registry.text },
    watch(source: { list(): readonly Autoscaler[]; sync(): typeof IN_SYNC }) {
      watch({ list: source.list, unheeded: () => [] })
      watchSync(source.sync)
    },
    watchTicks: (lastTick: Parameters<typeof measureLoadTicks>[1]) => measureLoadTicks(registry, lastTick),
    watchNetworks: (catalog: Parameters<typeof measureNetworks>[1]) => measureNetworks(registry, catalog),
    watchConsul: (figures: Parameters<typeof measureDiscovery>[1]) => measureDiscovery(registry, figures),
  }
}

const watching = (...autoscalers: Autoscaler[]) => {
  const metrics = createMetrics({ version: '1.2.3', now: () => T0 })
  metrics.watch({ list: () => autoscalers, sync: () => IN_SYNC })
  return { metrics, autoscalers }
}
/** Samples without those of the process itself. */
const ours = async (metrics: { text(): Promise<string> }) =>
  (await metrics.text()).split('\n').filter((line) => line.startsWith('orrery_'))

const condition = (type: ConditionType, status: boolean): Autoscaler['conditions'][number] => ({
  type,
  status,
  reason: 'r',
  sinceMs: T0,
})
const WEB = 'autoscaler="web",service="web"'

describe('the gauges of an autoscaler', () => {
  it('say where it is and where it may go', async () => {
    const { metrics } = watching(anAutoscaler())
    expect(await ours(metrics)).toEqual(
      expect.arrayContaining([
        `orrery_current{${WEB}} 3`,
        `orrery_min{${WEB}} 1`,
        `orrery_max{${WEB}} 10`,
        `orrery_paused{${WEB}} 0`,
        `orrery_policy_issues{${WEB},severity="error"} 0`,
      ]),
    )
  })

  it('say what the last decision wanted and settled on', async () => {
    const { metrics } = watching(anAutoscaler('web', { lastDecision: aDecision({ wanted: 12, to: 10 }) }))
    const samples = await ours(metrics)
    expect(samples).toContain(`orrery_desired_raw{${WEB}} 12`)
    expect(samples).toContain(`orrery_desired{${WEB}} 10`)
    expect(samples.join()).not.toContain('dry_run')
  })

  it('count the alerts that stand, without those that are suspended', async () => {
    const alert: StandingAlert = {
      serviceId: 'id-web',
      direction: 'up',
      alertId: 'a',
      source: 'alertmanager',
      name: 'HighLoad',
      startsAt: '',
      sinceMs: T0,
      newsAtMs: T0,
      replicas: 3,
      suspended: false,
    }
    const off: StandingAlert = { ...alert, direction: 'down', suspended: true }
    const { metrics } = watching(anAutoscaler('web', { alerts: [alert, { ...alert, alertId: 'b' }, off] }))
    const standing = (await ours(metrics)).filter((line) => line.startsWith('orrery_standing_alerts'))
    expect(standing).toEqual([`orrery_standing_alerts{${WEB},direction="up"} 2`])
  })

  it('tell a dry run apart', async () => {
    const { metrics } = watching(anAutoscaler('web', { lastDecision: aDecision({ outcome: 'dry-run' }) }))
    const samples = await ours(metrics)
    expect(samples).toContain(`orrery_desired{${WEB}} 3`)
    expect(samples).toContain(`orrery_dry_run_desired{${WEB}} 4`)
  })

  it('leave out what is not known: a maximum, a last scale, a decision', async () => {
    const { reading } = anAutoscaler()
    const policy = reading.policy && { ...reading.policy, max: null }
    const { metrics } = watching(anAutoscaler('web', { reading: { ...reading, ...(policy && { policy }) } }))
    expect((await ours(metrics)).join()).not.toMatch(/orrery_(max|desired|last_scale_timestamp|held)/)
  })

  const holds: { reason: string; change: Partial<Autoscaler> }[] = [
    { reason: 'paused', change: { conditions: [condition('Paused', true)] } },
    { reason: 'rollout', change: { conditions: [condition('RolloutSettled', false)] } },
    { reason: 'maintenance', change: { conditions: [condition('Maintenance', true)] } },
    { reason: 'unknown-write', change: { conditions: [condition('WriteUnknown', true)] } },
    { reason: 'cooldown', change: { nextAllowedMs: { down: T0 + 1 } } },
  ]
  it.each(holds)('say that it is held by $reason', async ({ reason, change }) => {
    const { metrics } = watching(anAutoscaler('web', change))
    const held = (await ours(metrics)).filter((line) => line.startsWith('orrery_held'))
    expect(held).toEqual([`orrery_held{${WEB},reason="${reason}"} 1`])
  })

  it('say nothing of a hold that is over', async () => {
    const conditions = [condition('Paused', false), condition('RolloutSettled', true), condition('Maintenance', false)]
    const { metrics } = watching(anAutoscaler('web', { conditions, nextAllowedMs: { up: T0 - 1 } }))
    expect((await ours(metrics)).join()).not.toContain('orrery_held')
  })

  it('go when the service goes', async () => {
    const { metrics, autoscalers } = watching(anAutoscaler('web'), anAutoscaler('api'))
    expect((await ours(metrics)).filter((line) => line.startsWith('orrery_current'))).toHaveLength(2)
    autoscalers.shift()
    expect((await ours(metrics)).join()).not.toContain('"web"')
  })
})

describe('the gauges of networks', () => {
  const networksOf = async (networks: readonly NetworkView[], nodes: readonly NodeView[]) => {
    const { metrics } = watching()
    const shown = { networks, nodes }
    metrics.watchNetworks({ networks: () => shown.networks, nodes: () => shown.nodes })
    const samples = async () => (await ours(metrics)).filter((line) => /^orrery_(network|agent)/.test(line))
    return { shown, samples }
  }

  it('say of each node what it has, and of each network how its nodes are', async () => {
    const conditions = [
      { type: 'Complete', status: true, reason: '', sinceMs: T0 },
      { type: 'Orphaned', status: false, reason: '', sinceMs: T0 },
    ] as const
    const sick = anAllocation({
      hostname: 'worker2',
      isReady: false,
      isAsWanted: false,
      count: { usable: 10, used: null, free: null },
    })
    const { samples } = await networksOf([aNetwork({ conditions, allocations: [anAllocation(), sick] })], [aNode()])
    expect(await samples()).toEqual([
      'orrery_network_addresses{network="vlan40",node="worker1",state="usable"} 253',
      'orrery_network_addresses{network="vlan40",node="worker1",state="used"} 1',
      'orrery_network_addresses{network="vlan40",node="worker1",state="free"} 252',
      'orrery_network_addresses{network="vlan40",node="worker2",state="usable"} 10',
      'orrery_network_nodes{network="vlan40",state="total"} 2',
      'orrery_network_nodes{network="vlan40",state="ready"} 1',
      'orrery_network_nodes{network="vlan40",state="as_wanted"} 1',
      'orrery_network_node_as_wanted{network="vlan40",node="worker1"} 1',
      'orrery_network_node_as_wanted{network="vlan40",node="worker2"} 0',
      'orrery_network_condition{network="vlan40",type="Complete"} 1',
      'orrery_network_condition{network="vlan40",type="Orphaned"} 0',
      `orrery_agent_last_report_timestamp{node="worker1"} ${T0 / 1000}`,
    ])
  })

  it('leave out an agent that was never heard, and the nodes of a network that is only defined', async () => {
    const unheard = aNode({ agent: { isHeard: false, faults: [] } })
    const { samples } = await networksOf([aNetwork({ isInForce: false, conditions: [], allocations: [] })], [unheard])
    expect(await samples()).toEqual([])
  })

  it('go when the node or the network goes', async () => {
    const { shown, samples } = await networksOf([aNetwork()], [aNode()])
    expect(await samples()).not.toEqual([])
    shown.networks = []
    shown.nodes = []
    expect(await samples()).toEqual([])
  })
})

describe('the counters', () => {
  it('count decisions by outcome and reason', async () => {
    const { metrics } = watching(anAutoscaler())
    metrics.decided(aDecision(), 20)
    metrics.decided(aDecision(), 20)
    metrics.decided(aDecision({ outcome: 'held', code: 'cooldown' }), 1)
    const samples = await ours(metrics)
    expect(samples).toContain(`orrery_decisions_total{${WEB},outcome="scaled",reason=""} 2`)
    expect(samples).toContain(`orrery_decisions_total{${WEB},outcome="held",reason="cooldown"} 1`)
    expect(samples).toContain('orrery_decision_seconds_count 3')
    expect(samples).toContain('orrery_decision_seconds_bucket{le="0.025"} 3')
  })

  it('forget a service that is gone, or no longer opted in, and nobody else', async () => {
    const { metrics, autoscalers } = watching(anAutoscaler('web'), anAutoscaler('api'), anAutoscaler('db'))
    for (const name of ['web', 'api', 'db']) metrics.decided(aDecision({ autoscaler: name, service: name }), 1)
    metrics.observed({ id: 'id-web', before: anAutoscaler('web').observation, after: undefined })
    autoscalers.pop()
    const samples = (await ours(metrics)).filter((line) => line.startsWith('orrery_decisions_total'))
    expect(samples).toEqual(['orrery_decisions_total{autoscaler="api",service="api",outcome="scaled",reason=""} 1'])
  })

  it('count writes by how they ended, and conflicts once more', async () => {
    const { metrics } = watching()
    for (const result of ['committed', 'conflict', 'conflict', 'unknown'] as const) metrics.wrote('web', result)
    expect(await ours(metrics)).toEqual(
      expect.arrayContaining([
        'orrery_writes_total{result="committed"} 1',
        'orrery_writes_total{result="conflict"} 2',
        'orrery_writes_total{result="unknown"} 1',
        'orrery_conflicts_total 2',
      ]),
    )
  })

  it('count notifications, calls to the engine and what became of its connection', async () => {
    const { metrics } = watching()
    metrics.webhookAnswered(200)
    for (const result of ['scaled', 'cooldown', 'scaled']) metrics.alertAnswered(result)
    metrics.onCall({ endpoint: '/services/{id}', method: 'GET', outcome: 200, tookMs: 4 })
    metrics.onCall({ endpoint: '/services/{id}', method: 'GET', outcome: 'error', tookMs: 4 })
    metrics.onEventStream(true)
    metrics.onClockSkew(-1500)
    expect(await ours(metrics)).toEqual(
      expect.arrayContaining([
        'orrery_webhook_requests_total{code="200"} 1',
        'orrery_alerts_total{result="scaled"} 2',
        'orrery_alerts_total{result="cooldown"} 1',
        'orrery_docker_call_seconds_count{endpoint="/services/{id}",method="GET",status="200"} 1',
        'orrery_docker_call_seconds_count{endpoint="/services/{id}",method="GET",status="error"} 1',
        'orrery_docker_event_stream_connected 1',
        'orrery_clock_skew_seconds -1.5',
        'orrery_in_sync 1',
        'orrery_build_info{version="1.2.3"} 1',
      ]),
    )
  })
})

it('two controllers in one process do not share figures', async () => {
  const first = watching().metrics
  first.webhookAnswered(200)
  expect(await watching().metrics.text()).not.toContain('orrery_webhook_requests_total{code="200"}')
})

it('nothing is in sync before there is anything to ask', async () => {
  expect(await createMetrics({ version: '1', now: () => T0 }).text()).toContain('orrery_in_sync 0')
})

it('docs/metrics.md explains each figure and no other', async () => {
  const { metrics } = watching()
  metrics.watchNetworks({ networks: () => [], nodes: () => [] })
  metrics.watchTicks(() => undefined)
  metrics.watchConsul(() => ({ desired: 0, isWriter: false, isReachable: true, refused: 0, leftOut: 0 }))
  const exposed = [...(await metrics.text()).matchAll(/^# TYPE (orrery_\w+)/gm)].map((match) => match[1])
  const docs = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
  const explained = [...docs.matchAll(/^\| `(orrery_\w+)/gm)].map((match) => match[1])
  expect(explained.toSorted()).toEqual(exposed.toSorted())
})
