/** An Alertmanager that was there before Orrery, by docs/alerts.md, and what Prometheus remembers by docs/why-did-it-not-scale.md. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import type { WireDecision } from '../../../../src/http/wire/decision.ts'
import type { LabNode } from '../../../lab/lab.ts'
import { type Monitor, startAlertmanager, startPrometheus } from '../../../lab/programs/monitoring.ts'
import { read, tableBelow } from '../../../unit/docs/markdown.ts'
import { startController } from '../../support/controller.ts'
import { existingAlertmanager, rulesOverTargets } from '../../support/examples.ts'
import { createService, eventually, NOWHERE, policyLabels, replicasOf } from '../../support/services.ts'

const TOKEN = 'the-token-of-alertmanager'
const AUTHORIZED = { headers: { authorization: `Bearer ${TOKEN}` } }
export const THREE = ['shop_web', 'shop_api', 'shop_mail']
/** Of the controller: how long the same notification is the same step. */
export const WINDOW_MS = 1_200

/** Services whose load is as the test says, one rule for all, and the Alertmanager of docs/alerts.md. */
export async function startExisting(manager: LabNode) {
  const labels = policyLabels({ 'autoscaler.max': '9' })
  const names = [...THREE, 'shop_a', 'shop_b']
  const made = names.map(
    async (name) => [name, await createService(manager, { name, labels, template: NOWHERE })] as const,
  )
  const ids = new Map(await Promise.all(made))
  const [tokenFile, tokens] = ['token', 'tokens'].map((end) =>
    manager.socketPath.replace(/\.sock$/, `-existing-${end}`),
  )
  if (tokenFile === undefined || tokens === undefined) throw new Error('no files')
  await Promise.all([writeFile(tokenFile, TOKEN), writeFile(tokens, `scale ${TOKEN} alertmanager\n`)])
  const env = { ORRERY_TOKEN_FILE: tokens, ORRERY_DEDUP_WINDOW: '1s' }
  const controller = await startController(manager, { env })
  const loads = new Map(THREE.map((name) => [name, 2]))
  const people = await startPeople(() =>
    [...loads].map(([name, value]) => `http_requests_in_flight{service="${name}"} ${value}\n`).join(''),
  )
  const alertmanagers: Monitor[] = []
  const alertmanager = async (groupBy?: readonly string[]) => {
    const changes = { url: controller.url, people: people.url, tokenFile, ...(groupBy && { groupBy }) }
    const one = await startAlertmanager({ files: existingAlertmanager(changes) })
    alertmanagers.push(one)
    return one
  }
  const first = await alertmanager()
  const metrics = [people.url, controller.url]
  const prometheus = await startPrometheus({ files: rulesOverTargets({ alertmanagerUrl: first.url, metrics }) })
  return {
    ...{ controller, prometheus, alertmanager },
    told: people.told,
    load: (name: string, value: number) => void loads.set(name, value),
    counts: (of: readonly string[]) => Promise.all(of.map((name) => replicasOf(manager, ids.get(name) ?? ''))),
    async decided(name: string) {
      const path = `/v1/autoscaler/${name}/decisions`
      const { decisions } = (await controller.call<{ decisions: WireDecision[] }>('GET', path, AUTHORIZED)).body
      return decisions.map(({ outcome, from, to }) => [outcome, from, to])
    },
    async close() {
      await Promise.all([prometheus, ...alertmanagers].map((one) => one.stop()))
      await people.close()
      await controller.kill()
      for (const id of ids.values()) await manager.api.getService(id).remove()
    },
  }
}

/** Where the other receivers notify, and what is measured. `told`: the services of each notification to a path. */
async function startPeople(metrics: () => string) {
  const notified: { readonly path: string; readonly services: readonly string[] }[] = []
  const server = createServer(async (request, response) => {
    if (request.url === '/metrics') return void response.end(`# TYPE http_requests_in_flight gauge\n${metrics()}`)
    let text = ''
    for await (const chunk of request) text += chunk
    const { alerts } = JSON.parse(text) as { alerts: { labels: Record<string, string> }[] }
    notified.push({ path: request.url ?? '', services: alerts.map(({ labels }) => labels.service ?? '') })
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    told: (at: string) => notified.flatMap(({ path, services }) => (path === at ? [services] : [])),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What docs/why-did-it-not-scale.md asks Prometheus the next day, when the controller that decided is gone. */
export async function askTheNextDay({ prometheus, controller, decided }: Awaited<ReturnType<typeof startExisting>>) {
  const queries = tableBelow(read('docs/why-did-it-not-scale.md'), 'The next day: why did it not scale at 03:10?')
  const of = (part: string) => {
    const all = queries.flatMap(([cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, query = '']) => query))
    return all.find((query) => query.includes(part)) ?? expect.fail(part)
  }
  const ask = async (query: string, atMs: number) => {
    const at = new URLSearchParams({ query, time: String(atMs / 1000) })
    const { data } = await prometheus.get<{ data: { result: Found[] } }>(`/api/v1/query?${at}`)
    return data.result.map(({ metric, value: [, text] }): Row => ({ ...metric, value: Number(text) }))
  }
  const name = 'shop_web'
  await controller.call('POST', `/v1/autoscaler/${name}/pause`, {
    ...AUTHORIZED,
    body: { reason: 'the database moves' },
  })
  const held = async () => await ask(of('increase'), Date.now())
  await eventually('a refusal is counted', async () => {
    await controller.up(name, AUTHORIZED)
    return (await held()).some(({ reason, value }) => reason === 'paused' && value >= 1)
  })
  const nightMs = Date.now()
  expect((await decided(name)).filter(([outcome]) => outcome === 'held').length).toBeGreaterThan(1)
  await controller.kill()
  await eventually('it is gone', async () => (await ask('up == 0', Date.now())).length === 1)

  const night = async (part: string) => await ask(of(part), nightMs)
  expect(await night('increase')).toContainEqual(expect.objectContaining({ outcome: 'held', reason: 'paused' }))
  expect(await night('offset')).toContainEqual(expect.objectContaining({ outcome: 'scaled', service: name }))
  expect(await night('orrery_held')).toEqual([{ reason: 'paused', value: 1 }])
  for (const [part, value] of [
    ['orrery_desired_raw', 3],
    ['max(orrery_desired{', 2],
    ['orrery_max', 9],
    ['orrery_current', 2],
    ['orrery_in_sync', 1],
  ] as const)
    expect(await night(part), part).toEqual([{ value }])
}

interface Row {
  readonly reason?: string
  readonly value: number
}
interface Found {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}
