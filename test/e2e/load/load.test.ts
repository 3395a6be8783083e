/** Measured load on a real Swarm: processor time from the agents with no other software, and requests per second from Prometheus. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { WireAutoscaler } from '../../../src/http/wire/autoscaler.ts'
import type { WireDecision } from '../../../src/http/wire/decision.ts'
import { type Gateway, startGateway } from '../../lab/network/gateway.ts'
import { endMonitors, startPrometheus } from '../../lab/programs/monitoring.ts'
import { startController } from '../support/controller.ts'
import { labForTests } from '../support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab } from '../support/networked.ts'
import { createService, eventually, policyLabels, removeService, replicasOf } from '../support/services.ts'
import { startTimeline } from '../support/timeline.ts'
import { createWorkload, startLoad } from '../support/workload.ts'

const place = labForTests({ nodes: 2, managers: 1, images: ['orrery-lab/node'] })
const PATIENCE = { timeoutMs: 90_000 }

describe('a service that follows what it uses', () => {
  let networked: Networked
  let first: NodeController
  beforeAll(async () => {
    networked = await networkedLab(place.lab)
    first = await networked.startController(place.manager, { ORRERY_TICK: '1s' })
    for (const node of place.lab.nodes) await networked.startAgent(node)
  })
  afterAll(async () => await networked?.close())

  it('grows while its tasks burn and shrinks after the window, with no Prometheus anywhere', async () => {
    const { manager } = place
    const flag = await mkdtemp(join(tmpdir(), 'orrery-burn-'))
    onTestFinished(async () => await rm(flag, { recursive: true, force: true }))
    await writeFile(join(flag, 'on'), '')
    const mount = (Source: string, Target: string) => ({ Type: 'bind', Source, Target, ReadOnly: true })
    const name = 'burner'
    const id = await createService(manager, {
      name,
      labels: policyLabels({
        ...{ 'autoscaler.max': '3', 'autoscaler.cpu.target': '35%', 'autoscaler.warmup': '3s' },
        ...{ 'autoscaler.window.down': '10s', 'autoscaler.rate.up': '4/1s', 'autoscaler.rate.down': '100%/1s' },
      }),
      template: {
        ContainerSpec: {
          Image: 'orrery-lab/node:latest',
          Args: ['node', '/workload/burn.mjs'],
          Mounts: [mount(join(import.meta.dirname, '../workload'), '/workload'), mount(flag, '/flag')],
          StopGracePeriod: 2e9,
        },
        Resources: { Limits: { NanoCPUs: 150_000_000 } },
      },
    })
    onTestFinished(async () => await removeService(manager, name))
    const read = async () =>
      (await first.call<{ decisions: WireDecision[] }>('GET', `/v1/autoscaler/${name}/decisions`)).body.decisions
    const timeline = startTimeline(read)
    const shown = async () => (await first.call<WireAutoscaler>('GET', `/v1/autoscaler/${name}`)).body
    await eventually('three tasks', async () => (await replicasOf(manager, id)) === 3, PATIENCE)
    const busy = await shown()
    timeline.note(`busy: ${JSON.stringify(busy.load)}`)
    expect(busy.load?.metrics[0]?.value).toBeGreaterThan(50)
    await rm(join(flag, 'on'))
    const idleAtMs = Date.now()
    timeline.note('the load has ended')
    await eventually('one task', async () => (await replicasOf(manager, id)) === 1, PATIENCE)
    const tookMs = Date.now() - idleAtMs
    timeline.note(`one task again after ${(tookMs / 1000).toFixed(1)} s`)
    expect(tookMs, 'never before the window').toBeGreaterThan(9_000)
    await timeline.print('cpu, by the agents alone')
  })
})

describe('a service that follows requests per second', () => {
  let gateway: Gateway
  beforeAll(async () => {
    gateway = await startGateway(place.manager)
  })
  afterAll(endMonitors)

  it('grows with Prometheus, holds when that is killed, and of two controllers the count is that of one', async () => {
    const { manager, lab } = place
    const name = 'served'
    const id = await createWorkload(manager, {
      name,
      labels: {
        'autoscaler.max': '4',
        'autoscaler.metric.rps.query': 'sum(rate(http_requests_total[10s]))',
        // Four tasks are wanted from 6.6 a second on, the tolerance of three included: a third of what a quick machine serves.
        'autoscaler.metric.rps.target': '2',
        'autoscaler.window.down': '8s',
        'autoscaler.rate.up': '4/1s',
        'autoscaler.rate.down': '100%/1s',
      },
    })
    onTestFinished(async () => await removeService(manager, name))
    const config = [
      'global: {scrape_interval: 1s}',
      'scrape_configs:',
      '- job_name: served',
      `  proxy_url: ${gateway.url}`,
      '  dockerswarm_sd_configs:',
      `  - {host: "unix://${manager.socketPath}", role: tasks, refresh_interval: 1s}`,
      '  relabel_configs:',
      '  - {source_labels: [__meta_dockerswarm_service_name], regex: served, action: keep}',
      '  - {source_labels: [__meta_dockerswarm_task_desired_state], regex: running, action: keep}',
      '  - {source_labels: [__meta_dockerswarm_task_port_publish_mode], regex: host, action: keep}',
    ].join('\n')
    const prometheus = await startPrometheus({ files: { 'prometheus.yml': config } })
    const env = { ORRERY_TICK: '1s', PROMETHEUS_URL: prometheus.url }
    const one = await startController(manager, { env })
    const two = await startController(manager, { env })
    const timeline = startTimeline(
      async () =>
        (await one.call<{ decisions: WireDecision[] }>('GET', `/v1/autoscaler/${name}/decisions`)).body.decisions,
    )
    const addresses = new Map(lab.nodes.map(({ nodeId, address }) => [nodeId, address]))
    const load = startLoad({ node: manager, addresses, gateway, service: name, forMs: 110_000 })
    // Each request takes half a second, so 10 clients make at most 20 requests a second.
    load.set(10)
    await eventually('four tasks', async () => (await replicasOf(manager, id)) === 4, PATIENCE).catch(async (error) => {
      await timeline.print('not grown')
      console.log(JSON.stringify((await one.get(name)).body.load), load.answered(), load.failed())
      throw error
    })
    timeline.note(`four tasks: ${JSON.stringify((await one.get(name)).body.load)}`)
    await prometheus.stop()
    timeline.note('Prometheus is gone')
    load.set(0)
    await eventually(
      'the API and the metrics say so',
      async () =>
        (await one.get(name)).body.load?.metrics[0]?.missing === 'error' &&
        (await one.metric('orrery_load_metric_missing', { reason: 'error' })) === 1,
    )
    // The test is that nothing happens for longer than the window.
    await sleep(12_000)
    expect(await replicasOf(manager, id), 'without data nothing shrinks').toBe(4)
    const scaled = async (controller: typeof one) =>
      await controller.metric('orrery_decisions_total', { autoscaler: name, outcome: 'scaled' })
    const writes = (await scaled(one)) + (await scaled(two))
    timeline.note(`writes of both controllers: ${writes}`)
    const changes = new Set(
      (await timeline.decisions()).filter(({ outcome }) => outcome === 'scaled').map(({ to }) => to),
    )
    expect(writes).toBeLessThanOrEqual(3)
    expect(changes.size).toBeLessThanOrEqual(3)
    await load.stop()
    await timeline.print('requests per second, by Prometheus')
    await Promise.all([one.stop(), two.stop()])
  })
})
