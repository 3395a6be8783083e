/**
 * From Orbiter and from docker-scaler by the commands of the two pages, one after another, while an old caller goes on with
 * requests of its own: none is lost, and each counts. The image of the stack file is built and deployed in stack.test.ts;
 * here its controllers run as processes on two managers.
 */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { InsideProcess } from '../../lab/inside.ts'
import type { LabNode } from '../../lab/lab.ts'
import type { Forward } from '../../lab/network/forward.ts'
import { mainFile } from '../support/controller.ts'
import { labForTests } from '../support/lab-for-tests.ts'
import { stepsBelow } from '../support/pages.ts'
import { repository } from '../support/product-image.ts'
import { createService, eventually, inspectService, NOWHERE, replicasOf } from '../support/services.ts'

const place = labForTests({ nodes: 2 })
const controllers = new Map<LabNode, InsideProcess>()
/** Port 8010 of each manager, on this machine. */
let doors: readonly Forward[]
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-migrations-'))
  await cp(join(repository, 'scripts'), join(folder, 'scripts'), { recursive: true })
  doors = await Promise.all(place.lab.managers.map((node) => node.forward(8010)))
})
afterAll(async () => {
  for (const controller of controllers.values()) controller.kill('SIGKILL')
  for (const door of doors ?? []) await door.close()
  await rm(folder, { recursive: true, force: true })
})

const shell = async (line: string) => await place.manager.run(['sh', '-c', line], { cwd: folder, timeoutMs: 60_000 })

/** The controllers of the stack file that the line names, with the line's variables, one manager after another. */
async function deploy(line: string): Promise<void> {
  const [, variables = '', file = ''] = /^(.*)docker stack deploy -c (\S+) orrery$/.exec(line) ?? []
  const given = Object.fromEntries([...variables.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]))
  const text = await readFile(join(repository, file), 'utf8')
  const stack = parse(
    text.replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_, name, fallback) => given[name] ?? fallback),
    { merge: true },
  ) as { services: { controller: { environment: Record<string, string | null> } } }
  const { environment } = stack.services.controller
  const texts = Object.entries(environment).map(([name, value]) => [name, value ?? ''])
  const env = { ...Object.fromEntries(texts), ORRERY_TOKEN_FILE: join(folder, 'orrery-tokens') }
  for (const [index, node] of place.lab.managers.entries()) {
    const before = controllers.get(node)
    before?.kill('SIGTERM')
    if (before !== undefined) expect(await before.exited).toMatchObject({ code: 0 })
    const controller = await node.spawn([process.execPath, mainFile, 'serve'], { env })
    controllers.set(node, controller)
    const isReady = async () => (await fetch(`${doors[index]?.url}/readyz`)).status === 200
    await eventually('it is ready', isReady, { timeoutMs: 60_000 }).catch((cause) => {
      throw new Error(`it said: ${controller.output().slice(-2000)}`, { cause })
    })
  }
}

/** Does what the page says, and calls `moved` after its own first step, when callers are told to move. */
async function follow(page: string, moved: () => void): Promise<void> {
  const assigned: string[] = []
  for (const step of stepsBelow(page, 'Step by step')) {
    const { line } = step
    if (line.startsWith('docker build ')) continue
    if (line.includes('docker stack deploy ')) await deploy(line)
    else if (step.kind === 'shown' && /^\w+=/.test(line)) assigned.push(line)
    else {
      const script = [...assigned, line.replaceAll('manager1', place.manager.address)].join('\n')
      // Docker's client takes no second try when a count was written at the same time; a reader does.
      const typed = async () => {
        const { code, stdout, stderr } = await shell(script)
        if (code !== 0 || (step.kind === 'shown' && stdout.trim() !== step.answer)) throw new Error(stdout + stderr)
        return true
      }
      await eventually(line, typed)
      if (line.includes('-X POST')) moved()
    }
  }
}

interface Request {
  readonly path: string
  readonly body?: unknown
}

/** As a caller with a list of managers, who tries the next one when one does not answer or says 503. */
async function call({ path, body }: Request): Promise<{ status: number; text: string }> {
  const [, token = ''] = /^scale (\S+)$/m.exec(await readFile(join(folder, 'orrery-tokens'), 'utf8')) ?? []
  const headers = { authorization: `Basic ${Buffer.from(`any:${token}`).toString('base64')}` }
  const init = { method: 'POST', headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
  const taken = async () => {
    for (const { url } of doors) {
      const answer = await fetch(`${url}${path}`, init).catch(() => undefined)
      if (answer !== undefined && answer.status !== 503) return { status: answer.status, text: await answer.text() }
    }
    return undefined
  }
  return await eventually('a manager takes the call', taken)
}

/** What `calls` makes one after another, from when the page has callers move until everything of it is done. */
async function followWhileCalling(page: string, calls: () => Promise<void>): Promise<void> {
  let isOver = false
  let calling: Promise<void> | undefined
  const goOn = async () => {
    // Faster, and Docker’s own client would hardly ever get its update in between.
    for (; !isOver; await sleep(150)) await calls()
  }
  try {
    await follow(page, () => {
      calling ??= goOn()
    })
  } finally {
    isOver = true
    await calling
  }
  // As its labels are now, too.
  await calls()
}

/** Alertmanager's, another firing each time. */
let fired = 0
const notification = (labels: Readonly<Record<string, string>>) => ({
  ...{ version: '4', status: 'firing', receiver: 'old', groupKey: 'g', groupLabels: labels, commonLabels: labels },
  alerts: [
    {
      status: 'firing',
      labels,
      fingerprint: `${fired++}`,
      startsAt: new Date(Date.UTC(2026, 0, 1) + fired).toISOString(),
    },
  ],
})

const labelsOf = async (id: string) => Object.keys((await inspectService(place.manager, id)).Spec.Labels)

describe('the migration from Orbiter', () => {
  it('by the commands of its page: each old call is answered as ever and counts once, through every step', async () => {
    const labels = { orbiter: 'true', 'orbiter.up': '2', 'orbiter.cooldown': '1' }
    await createService(place.manager, { name: 'orbiter', replicas: 0, labels: {}, template: NOWHERE })
    const id = await createService(place.manager, { name: 'web', replicas: 3, labels, template: NOWHERE })
    const seen = { up: 0, down: 0, cooldown: 0 }
    const other: object[] = []
    const forms = [
      (way: 'up' | 'down') => ({ path: `/handle/autoswarm/web/${way}` }),
      (way: 'up' | 'down') => ({ path: '/v1/orbiter/handle/autoswarm/web', body: { direction: way === 'up' } }),
      (way: 'up' | 'down') => ({ path: `/handle/autoswarm/web/${way}`, body: notification({ service: 'web' }) }),
    ]
    // Two up, one down, one down: never at a bound.
    const calls = async () => {
      const way = seen.up * 2 > seen.down ? 'down' : 'up'
      const [form = expect.fail()] = forms.splice(0, 1)
      forms.push(form)
      const { status, text } = await call(form(way))
      if (status === 200 && (text === '' || text.includes('"outcome":"scaled"'))) seen[way] += 1
      else if (/^Cooldown period for \d\.\d+ seconds$/.test(text) || text.includes('"code":"cooldown"'))
        seen.cooldown += 1
      else other.push({ status, text })
    }
    await followWhileCalling('docs/migrating-from-orbiter.md', calls)
    // A quick machine is through the page within two cooldowns: both ways are seen more than once.
    const isEnough = async () => {
      await calls()
      return seen.up + seen.down > 4
    }
    await eventually('five steps', isEnough, { everyMs: 150, timeoutMs: 30_000 })
    console.info(`from Orbiter: ${JSON.stringify(seen)}`)
    expect(other).toEqual([])
    // The page's own call is one step more.
    expect(await replicasOf(place.manager, id)).toBe(3 + 2 + seen.up * 2 - seen.down)
    const kept = [
      'autoscaler.cooldown',
      'autoscaler.enable',
      'autoscaler.max',
      'autoscaler.state',
      'autoscaler.step.up',
    ]
    expect((await labelsOf(id)).toSorted()).toEqual(kept)
    expect((await place.manager.docker('service', 'inspect', 'orbiter')).code).toBe(1)
    await place.manager.docker('service', 'rm', 'web')
  })
})

describe('the migration from docker-scaler', () => {
  it('by the commands of its page: the old messages tell of one step after another, none missing', async () => {
    const labels = {
      'com.df.scaleMin': '1',
      'com.df.scaleMax': '7',
      'com.df.scaleUpBy': '3',
      'com.df.scaleDownBy': '2',
    }
    await createService(place.manager, { name: 'docker-scaler', replicas: 0, labels: {}, template: NOWHERE })
    await createService(place.manager, { name: 'plain', replicas: 3, labels: {}, template: NOWHERE })
    const id = await createService(place.manager, { name: 'web', replicas: 3, labels, template: NOWHERE })
    // After the page's own call.
    const counts = [6]
    const forms = [
      (scale: string) => ({ path: `/v1/scale-service?service=web&scale=${scale}` }),
      (scale: string) => ({ path: '/v1/scale-service', body: { groupLabels: { service: 'web', scale } } }),
      (scale: string) => ({ path: '/v1/scale-service', body: notification({ service: 'web', scale }) }),
    ]
    const calls = async () => {
      const from = counts.at(-1) ?? 0
      const to = from > 4 ? from - 2 : from + 3
      const [form = expect.fail()] = forms.splice(0, 1)
      forms.push(form)
      const { status, text } = await call(form(to < from ? 'down' : 'up'))
      const message = `Scaling web from ${from} to ${to} replicas (min: 1, max: 7)`
      expect([status, text]).toEqual([200, JSON.stringify({ status: 'OK', message })])
      counts.push(to)
    }
    await followWhileCalling('docs/migrating-from-docker-scaler.md', calls)
    console.info(`from docker-scaler: ${counts.length - 1} calls, each a step`)
    expect(counts.length).toBeGreaterThan(10)
    expect(await replicasOf(place.manager, id)).toBe(counts.at(-1))
    const kept = ['cooldown', 'enable', 'max', 'state', 'step.down', 'step.up'].map((name) => `autoscaler.${name}`)
    expect((await labelsOf(id)).toSorted()).toEqual(kept)
    expect((await place.manager.docker('service', 'inspect', 'docker-scaler')).code).toBe(1)
    expect(await call({ path: '/v1/scale-service?service=plain&scale=up' })).toMatchObject({
      text: expect.stringContaining('Scaling plain from 3 to 4 replicas (min: 1, max: 5)'),
    })
  })
})
