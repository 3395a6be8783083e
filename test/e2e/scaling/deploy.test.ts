/** What a deploy, a rollback and a person do to the count of an autoscaled service, with Docker's own client. */
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import type { LabNode } from '../../lab/lab.ts'
import { type Controller, startController } from '../support/controller.ts'
import { labForTests } from '../support/lab-for-tests.ts'
import { eventually, inspectService, replicasOf } from '../support/services.ts'
import { enginesSideBySide } from '../support/side-by-side.ts'

interface File {
  readonly image?: string
  readonly env?: string
  readonly labels?: readonly string[]
  readonly failureAction?: 'pause' | 'rollback'
}

/**
 * A stack file as people write them: two replicas, and a policy for more. Not with `condition: none`: then Swarm takes the
 * tasks that the lower count removes for ones to update, one time in twenty removes the rollout's own new task in their
 * place, and stays `updating` for ever.
 */
const stackFile = ({ image = 'good', env = '1', labels = [], failureAction = 'pause' }: File) => `version: "3.8"
services:
  web:
    image: orrery-lab/web:${image}
    command: [sleep, "1000000"]
    environment: {GENERATION: "${env}"}
    networks: [host]
    deploy:
      replicas: 2
      endpoint_mode: dnsrr
      restart_policy: {condition: any, delay: 5s}
      update_config: {parallelism: 1, delay: 2s, monitor: 1s, failure_action: ${failureAction}}
      labels: [${['autoscaler.enable=true', 'autoscaler.max=9', 'autoscaler.cooldown=0', ...labels].map((label) => `"${label}"`).join(', ')}]
networks: {host: {external: true, name: host}}
`

enginesSideBySide('on the %s engine', (engine) => {
  const place = labForTests({ engine, nodes: 1 })
  let manager: LabNode
  let controller: Controller
  let stack = 0
  let id: string
  let name: string

  beforeAll(async () => {
    manager = place.manager
    controller = await startController(manager)
  })

  const deploy = async (file: File = {}) => {
    const path = join(tmpdir(), `${place.lab.name}-stack.yml`)
    await writeFile(path, stackFile(file))
    const { code, stderr } = await manager.docker(
      'stack',
      'deploy',
      '--resolve-image',
      'never',
      '-c',
      path,
      `s${stack}`,
    )
    if (code !== 0) throw new Error(stderr)
  }
  const count = () => replicasOf(manager, id)
  const state = async () => (await inspectService(manager, id)).UpdateStatus?.State
  const counts = (wanted: number) =>
    eventually(`${wanted} replicas`, async () => (await count()) === wanted, { timeoutMs: 90_000 })
  const ended = (wanted: string) => eventually(wanted, async () => (await state()) === wanted, { timeoutMs: 60_000 })

  /** A stack of its own for each story, autoscaled from 2 to 6. */
  beforeEach(async () => {
    if (controller.hasEnded()) controller = await startController(manager)
    stack += 1
    name = `s${stack}_web`
    await deploy()
    const services = await manager.api.listServices({ filters: JSON.stringify({ name: [name] }) })
    id = services.find(({ Spec }) => Spec?.Name === name)?.ID ?? ''
    await eventually('it is seen', async () => (await controller.get(name)).status === 200)
    expect((await controller.up(name, { query: { by: '4' } })).body).toMatchObject({
      outcome: 'scaled',
      from: 2,
      to: 6,
    })
  })

  it('a deploy of the same file: the count comes back', async () => {
    await deploy()
    await counts(6)
    const { body } = await controller.get(name)
    expect(body.lastDecision).toMatchObject({ outcome: 'scaled', from: 2, to: 6 })
    expect((await controller.up(name)).body).toMatchObject({ outcome: 'scaled', from: 6, to: 7 })
  })

  it('two deploys in a row: the count comes back', async () => {
    await Promise.all([deploy(), deploy()].map((each) => each.catch(() => {})))
    await deploy()
    await counts(6)
  })

  it('a deploy of a new task template: the count comes back when its rollout is over', async () => {
    await deploy({ env: '2' })
    expect(await count()).toBe(2)
    await eventually('it is owed', async () => (await controller.get(name)).body.restore?.replicas === 6)
    expect((await controller.up(name)).body).toMatchObject({ outcome: 'held', code: 'rollout' })
    await counts(6)
    const [, previous] = (
      await controller.call<{ decisions: { code?: string }[] }>('GET', `/v1/autoscaler/${name}/decisions`)
    ).body.decisions
    expect(previous?.code).toBe('rollout')
  })

  it('a rollout that pauses, then a deploy that fixes it: the count comes back', async () => {
    await deploy({ image: 'bad' })
    await ended('paused')
    expect(await count()).toBe(2)
    await deploy({ env: '3' })
    await counts(6)
  })

  it('a deploy while no controller runs: the count comes back with the next one', async () => {
    await controller.stop()
    await deploy()
    expect(await count()).toBe(2)
    controller = await startController(manager)
    await counts(6)
  })

  it('a controller that is killed while a rollout is paused: the next one still knows the count', async () => {
    await deploy({ image: 'bad' })
    await ended('paused')
    await eventually('it is owed', async () => (await controller.get(name)).body.restore?.replicas === 6)
    await controller.kill()
    await deploy({ env: '4' })
    controller = await startController(manager)
    await counts(6)
  })

  it('a deploy that Swarm itself rolls back: the old spec and count are back, and nothing is owed', async () => {
    await deploy({ image: 'bad', failureAction: 'rollback' })
    await counts(6)
    await eventually('nothing is owed', async () => (await controller.get(name)).body.restore === undefined)
    const { TaskTemplate } = (await inspectService(manager, id)).Spec
    expect(JSON.stringify(TaskTemplate)).toContain('orrery-lab/web:good')
  })

  it('on-deploy=accept: the new count stays', async () => {
    await deploy({ labels: ['autoscaler.on-deploy=accept'] })
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(await count()).toBe(2)
    expect((await controller.up(name)).body).toMatchObject({ outcome: 'scaled', from: 2, to: 3 })
  })

  it('docker service rollback of an autoscale step is accepted', async () => {
    expect((await manager.docker('service', 'rollback', '--detach', name)).code).toBe(0)
    await counts(2)
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(await count()).toBe(2)
    await eventually('scaling goes on from there', async () => (await controller.up(name)).body.to === 3)
  })

  it('docker service scale inside the bounds is accepted, and outside them corrected', async () => {
    expect((await manager.docker('service', 'scale', '--detach', `${name}=4`)).code).toBe(0)
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(await count()).toBe(4)
    expect((await controller.up(name)).body).toMatchObject({ from: 4, to: 5 })
    await manager.docker('service', 'scale', '--detach', `${name}=30`)
    await counts(9)
    expect((await controller.get(name)).body.lastDecision).toMatchObject({ outcome: 'scaled', from: 30, to: 9 })
  })
})
