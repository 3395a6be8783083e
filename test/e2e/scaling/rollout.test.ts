/**
 * Scaling writes and rollouts, with a service beside each that is left alone: the facts of why a write must wait
 * (a paused rollout is resumed by any write; a write in mid-update makes the bad spec the one to roll back to).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import type { LabNode } from '../../lab/lab.ts'
import { type Controller, startController } from '../support/controller.ts'
import { labForTests } from '../support/lab-for-tests.ts'
import {
  createService,
  eventually,
  inspectService,
  policyLabels,
  runningTasks,
  updateService,
} from '../support/services.ts'
import { enginesSideBySide } from '../support/side-by-side.ts'

const GOOD = 'orrery-lab/web:good'
const BAD = 'orrery-lab/web:bad'

enginesSideBySide('a rollout, on the %s engine', (engine) => {
  const place = labForTests({ engine, nodes: 1 })
  let manager: LabNode
  let controller: Controller

  beforeAll(async () => {
    manager = place.manager
    controller = await startController(manager)
  })

  const good = async (name: string) =>
    (await runningTasks(manager, name)).filter(({ Spec }) => Spec.ContainerSpec.Image.startsWith(GOOD)).length
  const stateOf = async (id: string) => (await inspectService(manager, id)).UpdateStatus?.State

  /** Four tasks of the good image that run. The bad one fails at once, long before the second task's turn. */
  async function service(
    name: string,
    FailureAction: 'pause' | 'rollback',
    { labels, delayMs = 20_000 }: { labels?: Record<string, string>; delayMs?: number } = {},
  ): Promise<string> {
    const Delay = delayMs * 1_000_000
    const updates = { Parallelism: 1, Delay, Monitor: 1_000_000_000, FailureAction, MaxFailureRatio: 0 }
    const id = await createService(manager, {
      name,
      replicas: 4,
      ...(labels && { labels }),
      template: { RestartPolicy: { Condition: 'none' } },
      spec: { UpdateConfig: updates, RollbackConfig: { Parallelism: 4, Monitor: 1_000_000_000 } },
    })
    await eventually(`${name} runs`, async () => (await good(name)) === 4)
    return id
  }

  const deploy = (id: string, image: string, args: string[] = ['sleep', '1000000']) =>
    updateService(manager, id, (spec) => {
      const container = (spec.TaskTemplate as { ContainerSpec: Record<string, unknown> }).ContainerSpec
      Object.assign(container, { Image: image, Args: args })
    })

  it('that is paused keeps its good tasks whatever is asked, like one that nobody touches', async () => {
    const id = await service('paused', 'pause')
    const control = await service('paused-control', 'pause')
    await Promise.all([deploy(id, BAD), deploy(control, BAD)])
    for (const each of [id, control]) await eventually('it is paused', async () => (await stateOf(each)) === 'paused')

    const answers = []
    for (const call of ['up', 'down', 'up'] as const) answers.push(await controller[call]('paused'))
    answers.push(await controller.call('PUT', '/v1/autoscaler/paused/replicas', { body: { replicas: 9 } }))
    for (const { status, body } of answers) {
      expect([status, body]).toEqual([200, expect.objectContaining({ outcome: 'held', code: 'rollout' })])
    }
    // Were the rollout resumed, its next tasks would be gone within a moment.
    await sleep(4000)
    expect([await good('paused'), await good('paused-control')]).toEqual([3, 3])
    expect(await stateOf(id)).toBe('paused')
  })

  it('that is paused would lose its good tasks by a write: what is held is worth holding', async () => {
    const labels = policyLabels({ 'autoscaler.rollout': 'off' })
    const id = await service('resumed', 'pause', { labels })
    await deploy(id, BAD)
    await eventually('it is paused', async () => (await stateOf(id)) === 'paused')
    const left = await good('resumed')
    expect(left).toBeGreaterThan(0)
    expect((await controller.up('resumed')).body).toMatchObject({ outcome: 'scaled' })
    await eventually('the bad rollout goes on', async () => (await good('resumed')) < left)
  })

  it('that runs is waited for, from its first moment on, and automatic rollback still works', async () => {
    const id = await service('running', 'rollback')
    const control = await service('running-control', 'rollback')
    await Promise.all([deploy(id, BAD), deploy(control, BAD)])
    const held: string[] = []
    // The first step that is carried out clears the status that says so: the control keeps it.
    await eventually('scaling goes on', async () => {
      const { body } = await controller.up('running')
      held.push(body.code ?? body.outcome)
      return body.outcome === 'scaled'
    })
    expect(new Set(held.slice(0, -1))).toEqual(new Set(['rollout']))
    await eventually('the control is rolled back', async () => (await stateOf(control)) === 'rollback_completed')
    await eventually(
      'the good image is back',
      async () => (await good('running')) === 5 && (await good('running-control')) === 4,
    )
    const { TaskTemplate } = (await inspectService(manager, id)).Spec
    expect((TaskTemplate as { ContainerSpec: { Image: string } }).ContainerSpec.Image).toBe(GOOD)
  })

  it('that goes well is followed by scaling', async () => {
    const id = await service('fine', 'rollback', { delayMs: 0 })
    await deploy(id, GOOD, ['sleep', '999999'])
    expect((await controller.up('fine')).body).toMatchObject({ outcome: 'held', code: 'rollout' })
    await eventually('it is complete', async () => (await stateOf(id)) === 'completed')
    await eventually('scaling goes on', async () => (await controller.up('fine')).body.outcome === 'scaled')
  })
})
