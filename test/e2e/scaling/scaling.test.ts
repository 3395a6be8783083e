import { beforeAll, describe, expect, it } from 'vitest'
import type { WireAutoscaler } from '../../../src/http/wire/autoscaler.ts'
import type { WireDecision } from '../../../src/http/wire/decision.ts'
import type { LabNode } from '../../lab/lab.ts'
import { alert, alertmanager } from '../../support/builders/notifications.ts'
import { type Answer, type Controller, startController } from '../support/controller.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import {
  createService,
  eventually,
  inspectService,
  NOWHERE,
  policyLabels,
  replicasOf,
  updateService,
} from '../support/services.ts'

const place = labForTests({ nodes: 3 })
let manager: LabNode
let second: LabNode
let controller: Controller

beforeAll(async () => {
  manager = place.manager
  second = present(place.lab.managers[1])
  controller = await startController(manager)
})

const seen = (name: string) => eventually(`${name} is seen`, async () => (await controller.get(name)).status === 200)
const steps = (answers: readonly Answer<WireDecision>[]) =>
  answers.map(({ body }) => [body.from, body.to] as const).sort(([a], [b]) => a - b)

async function service(name: string, labels: Record<string, string> = {}, replicas = 3): Promise<string> {
  const id = await createService(manager, { name, replicas, labels: policyLabels(labels), template: NOWHERE })
  await seen(name)
  return id
}

/** Every time in the state label, keys' too. */
async function age(id: string, seconds: number): Promise<{ atMs: number }> {
  let atMs = 0
  await updateService(manager, id, ({ Labels }) => {
    const state = JSON.parse(Labels['autoscaler.state'] ?? '{}')
    const back = { at: state.at - seconds * 1000, up: state.up - seconds * 1000, chg: state.chg - seconds * 1000 }
    const recent = state.recent.map((key: unknown[]) => key.with(2, Number(key[2]) - seconds))
    Labels['autoscaler.state'] = JSON.stringify({ ...state, ...back, recent })
    atMs = back.at
  })
  return { atMs }
}

describe('many callers at once', () => {
  it('20 concurrent ups are exactly +20, 20 answers 200, in at most 5 writes', async () => {
    const id = await service('twenty')
    const before = await controller.metric('orrery_writes_total', { result: 'committed' })
    const answers = await Promise.all(Array.from({ length: 20 }, () => controller.up('twenty')))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(steps(answers)).toEqual(Array.from({ length: 20 }, (_, index) => [index + 3, index + 4]))
    expect(await replicasOf(manager, id)).toBe(23)
    expect((await controller.metric('orrery_writes_total', { result: 'committed' })) - before).toBeLessThanOrEqual(5)
  })

  it('two controllers on two managers, 100 ups each, are exactly +200', async () => {
    const id = await service('pair')
    const other = await startController(second)
    await eventually('the other controller sees it', async () => (await other.get('pair')).status === 200)
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? controller : other).up('pair')),
    )
    expect(answers.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([])
    expect(steps(answers)).toEqual(Array.from({ length: 200 }, (_, index) => [index + 3, index + 4]))
    expect(await replicasOf(manager, id)).toBe(203)
    await other.stop()
  })

  it('1000 concurrent ups are exactly +1000, in at most 50 writes', async () => {
    const id = await service('thousand', { 'autoscaler.max': '5000' })
    const before = await controller.metric('orrery_writes_total', { result: 'committed' })
    const answers = await Promise.all(Array.from({ length: 1000 }, () => controller.up('thousand')))
    expect(answers.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([])
    expect(await replicasOf(manager, id)).toBe(1003)
    expect((await controller.metric('orrery_writes_total', { result: 'committed' })) - before).toBeLessThanOrEqual(50)
  })
})

describe('the history of a count', () => {
  it('is the same on two controllers, whoever changed it and whichever wrote it', async () => {
    const id = await service('remembered')
    const other = await startController(second)
    await eventually('the other controller sees it', async () => (await other.get('remembered')).status === 200)
    await controller.up('remembered')
    await eventually('the other controller sees the step', async () => (await pointsOf(other)).length === 2)
    await updateService(manager, id, (spec) => {
      Object.assign(spec.Mode, { Replicated: { Replicas: 7 } })
    })
    await eventually('a person is seen', async () => (await pointsOf(controller)).length === 3)
    await other.up('remembered')
    await eventually('all is seen', async () =>
      (await Promise.all([controller, other].map(pointsOf))).every(({ length }) => length === 4),
    )
    expect(await pointsOf(controller)).toMatchObject([
      { replicas: 3, by: 'start' },
      { replicas: 4, by: 'orrery', cause: 'call' },
      { replicas: 7, by: 'person' },
      { replicas: 8, by: 'orrery', cause: 'call' },
    ])
    const ours = async (one: Controller) => (await pointsOf(one)).filter(({ by }) => by === 'orrery')
    expect(await ours(other)).toEqual(await ours(controller))
    const told = (points: readonly Point[]) => points.map(({ replicas, by }) => ({ replicas, by }))
    expect(told(await pointsOf(other))).toEqual(told(await pointsOf(controller)))
    await other.stop()
  })
})

interface Point {
  readonly at: string
  readonly replicas: number
  readonly by: string
}

const pointsOf = async ({ url }: Controller): Promise<readonly Point[]> => {
  const answer = (await (await fetch(`${url}/v1/autoscaler/remembered/history`)).json()) as { points: Point[] }
  return answer.points
}

it('a service without a policy is listed with the labels that give it one, and they do', async () => {
  const id = await createService(manager, { name: 'plain', replicas: 2, labels: {}, template: NOWHERE })
  const listed = async () => {
    const answer = (await (await fetch(`${controller.url}/v1/service`)).json()) as { services: ListedService[] }
    return answer.services.find(({ name }) => name === 'plain')
  }
  await eventually('it is listed, with its tasks', async () => (await listed())?.running !== undefined)
  const { labels = {}, ...rest } = present(await listed())
  const reason = 'it has no scaling policy'
  expect(rest).toEqual({ id, name: 'plain', mode: 'replicated', replicas: 2, running: 0, reason })
  await updateService(manager, id, (spec) => Object.assign(spec.Labels, labels))
  await seen('plain')
  // A list is shared for a moment.
  await eventually('it is listed as an autoscaler', async () => (await listed())?.autoscaler === 'plain')
  expect((await controller.up('plain')).body).toMatchObject({ outcome: 'scaled', from: 2, to: 3 })
})

interface ListedService {
  readonly autoscaler?: string
  readonly reason?: string
  readonly name: string
  readonly running?: number
  readonly labels?: Readonly<Record<string, string>>
}

describe('a policy', () => {
  it('edited on the service is in force within a second', async () => {
    const id = await service('edited', { 'autoscaler.max': '4' })
    expect((await controller.up('edited')).body).toMatchObject({ outcome: 'scaled', to: 4 })
    expect((await controller.up('edited')).body).toMatchObject({ outcome: 'unchanged', code: 'at-max' })
    await updateService(manager, id, (spec) => {
      spec.Labels['autoscaler.max'] = '10'
      spec.Labels['autoscaler.step'] = '3'
    })
    const changed = Date.now()
    await eventually('the new max', async () => (await controller.get('edited')).body.policy.max?.value === '10', {
      everyMs: 10,
    })
    expect(Date.now() - changed).toBeLessThan(1000)
    expect((await controller.up('edited')).body).toMatchObject({ outcome: 'scaled', from: 4, to: 7 })
  })

  it('keeps its cooldown across a restart of the controller', async () => {
    await service('cooled', { 'autoscaler.cooldown': '60s' })
    expect((await controller.up('cooled')).body.outcome).toBe('scaled')
    expect(await controller.stop()).toBe(0)
    controller = await startController(manager)
    const { status, body } = await controller.up('cooled')
    expect(status).toBe(200)
    expect(body).toMatchObject({ outcome: 'held', code: 'cooldown', from: 4, to: 4 })
    expect(Date.parse(body.retryAt ?? '') - Date.now()).toBeGreaterThan(30_000)
  })

  it('that is wrong scales nothing and says what is wrong', async () => {
    const id = await service('wrong', { 'autoscaler.min': '9', 'autoscaler.max': '2' })
    const { status, body } = await controller.up('wrong')
    expect(status).toBe(422)
    expect(body).toMatchObject({ code: 'invalid-policy', detail: expect.stringContaining('min') })
    expect((await controller.get('wrong')).body.issues[0]?.severity).toBe('error')
    expect(await replicasOf(manager, id)).toBe(3)
  })
})

describe('nothing is stuck, and nothing silent', () => {
  it('a label of a clock that is an hour ahead holds for its own cooldown and no longer', async () => {
    const ahead = Date.now() + 3_600_000
    const label = JSON.stringify({
      v: 1,
      id: 'other',
      at: ahead,
      from: 2,
      to: 3,
      dir: 'up',
      cause: 'call',
      up: ahead,
      chg: ahead,
    })
    await service('ahead', { 'autoscaler.cooldown': '3s', 'autoscaler.state': label })
    const { body } = await controller.up('ahead')
    expect(body).toMatchObject({ outcome: 'held', code: 'cooldown' })
    expect(Date.parse(body.retryAt ?? '') - Date.now()).toBeLessThanOrEqual(3000)
    expect((await controller.up('ahead')).body.retryAt).toBe(body.retryAt)
    await eventually('it is carried out', async () => (await controller.up('ahead')).body.outcome === 'scaled')
  })

  it('both halves of a pair of Alertmanagers are one step 90 s apart, with nothing set, and after that two', async () => {
    const id = await service('paired')
    const body = alertmanager([alert({ labels: { service: 'paired' } })])
    const notified = async (externalURL: string) => {
      const call = { body: { ...body, externalURL } }
      return (await controller.call<WireDecision>('POST', '/v1/autoscaler/paired/up', call)).body
    }
    const [one, other] = ['http://one:9093', 'http://other:9093'] as const
    expect(await notified(one)).toMatchObject({ outcome: 'scaled', from: 3, to: 4 })
    /** As if it had been so much longer ago. */
    const older = async (seconds: number) => {
      const { atMs } = await age(id, seconds)
      const shown = async () => (await controller.get('paired')).body.state?.at
      await eventually('it is seen', async () => Date.parse((await shown()) ?? '') === atMs)
    }
    await older(90)
    expect(await notified(other)).toMatchObject({ outcome: 'held', code: 'duplicate', from: 3, to: 4 })
    await older(20)
    expect(await notified(other)).toMatchObject({ outcome: 'scaled', from: 4, to: 5 })
  })

  it('a 0 of ours ends with the bounds that allowed it', async () => {
    const id = await service('own-zero', { 'autoscaler.min': '0' }, 1)
    expect((await controller.down('own-zero')).body).toMatchObject({ outcome: 'scaled', to: 0 })
    await updateService(manager, id, (spec) => Object.assign(spec.Labels, { 'autoscaler.min': '1' }))
    await eventually('it is raised', async () => (await replicasOf(manager, id)) === 1)
    expect((await controller.up('own-zero')).body).toMatchObject({ outcome: 'scaled', from: 1, to: 2 })
  })

  it('a pause is what its query says, and what was said last', async () => {
    await service('rests')
    const paused = async (query: string) =>
      (await controller.call<WireAutoscaler>('POST', `/v1/autoscaler/rests/pause${query}`)).body.pause
    expect(await paused('')).toMatchObject({ direction: 'both' })
    const { direction, until, since } = present(await paused('?for=2h&direction=down'))
    expect([direction, Date.parse(until ?? '') - Date.parse(since)]).toEqual(['down', 7_200_000])
    expect((await controller.up('rests')).body.outcome).toBe('scaled')
    expect((await controller.down('rests')).body).toMatchObject({ outcome: 'held', code: 'paused', retryAt: until })
  })

  it('a label that only looks like one is named by log, list, metric and 404', async () => {
    await createService(manager, { name: 'nearly', labels: { 'autoscaler.enable': 'True' }, template: NOWHERE })
    const says = /autoscaler\.enable: "True" is not/
    await eventually('it is logged', async () =>
      controller
        .log()
        .some(({ event, service, msg }) => event === 'policy-issue' && service === 'nearly' && says.test(`${msg}`)),
    )
    const { services } = (await controller.call<{ services: ListedService[] }>('GET', '/v1/service')).body
    expect(services.find(({ name }) => name === 'nearly')?.reason).toMatch(says)
    const answer = await controller.call<{ detail: string }>('POST', '/v1/autoscaler/nearly/up')
    expect([answer.status, answer.body.detail]).toEqual([404, expect.stringMatching(says)])
    await eventually(
      'it is counted',
      async () => (await controller.metric('orrery_policy_issues', { service: 'nearly', severity: 'warning' })) === 1,
    )
  })
})

describe('what cannot be scaled', () => {
  it('is refused with its reason: a global service, a job, one that swarm-cronjob runs', async () => {
    const labels = policyLabels()
    await createService(manager, { name: 'everywhere', labels, spec: { Mode: { Global: {} } }, template: NOWHERE })
    const job = { Mode: { ReplicatedJob: { MaxConcurrent: 1, TotalCompletions: 1 } } }
    await createService(manager, { name: 'job', labels, spec: job, template: NOWHERE })
    await service('cron', { 'swarm.cronjob.enable': 'true' })
    for (const [name, reason] of [
      ['everywhere', 'global'],
      ['job', 'job'],
      ['cron', 'cronjob'],
    ] as const) {
      await seen(name)
      const { status, body } = await controller.up(name)
      expect(status).toBe(409)
      expect(body).toMatchObject({ code: 'unsupported', detail: expect.stringContaining(reason) })
    }
  })

  it('any label at all is read without harm', async () => {
    const garbage = {
      'autoscaler.max': '\u0000NaN',
      'autoscaler.step': '-1e999',
      'autoscaler.__proto__': 'x',
      __proto__x: '',
    }
    const id = await service('garbage', garbage)
    expect((await controller.up('garbage')).status).toBe(422)
    expect(await replicasOf(manager, id)).toBe(3)
  })
})

describe('a name', () => {
  it('means one service exactly: never one that it begins, nor an id prefix', async () => {
    const id = await service('front-admin')
    const version = (await inspectService(manager, id)).Version.Index
    for (const name of ['front', 'front-admi', id, id.slice(0, 8)]) {
      expect((await controller.up(name)).status).toBe(404)
    }
    await service('front')
    expect((await controller.up('front')).body).toMatchObject({ service: 'front', to: 4 })
    expect((await inspectService(manager, id)).Version.Index).toBe(version)
  })

  it('that two services have is 409 for both, until one is renamed', async () => {
    const labels = policyLabels({ 'autoscaler.name': 'twin' })
    const first = await createService(manager, { name: 'castor', labels, template: NOWHERE })
    await seen('twin')
    await createService(manager, { name: 'pollux', labels, template: NOWHERE })
    await eventually('409', async () => (await controller.up('twin')).status === 409)
    const { body } = await controller.call('POST', '/v1/autoscaler/twin/up')
    expect(body).toMatchObject({ code: 'ambiguous-name', detail: expect.stringContaining('castor, pollux') })
    await updateService(manager, first, (spec) => {
      spec.Labels['autoscaler.name'] = 'castor'
    })
    await eventually('both are found', async () => (await controller.up('castor')).status === 200)
    expect((await controller.up('twin')).body).toMatchObject({ service: 'pollux', outcome: 'scaled' })
  })

  it('of a removed service is 404', async () => {
    const id = await service('gone')
    await manager.api.getService(id).remove()
    await eventually('404', async () => (await controller.up('gone')).status === 404, { timeoutMs: 2000 })
  })
})
