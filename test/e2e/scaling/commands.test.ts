/** The command line as people use it, against a real controller; and policies as files. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LabNode } from '../../lab/lab.ts'
import { type Controller, mainFile, startController } from '../support/controller.ts'
import { labForTests } from '../support/lab-for-tests.ts'
import { blockBelow, blocksBelow, linesBelow } from '../support/pages.ts'
import {
  createService,
  eventually,
  NOWHERE,
  policyLabels,
  removeService,
  replicasOf,
  updateService,
} from '../support/services.ts'

const place = labForTests({ nodes: 1 })
let manager: LabNode
let folder: string
let policies: string
let controller: Controller
let id: string

beforeAll(async () => {
  manager = place.manager
  folder = await mkdtemp(join(tmpdir(), 'orrery-commands-'))
  policies = join(folder, 'autoscalers')
  await mkdir(policies)
  const tokens = join(folder, 'tokens')
  await writeFile(tokens, '# for tests\nread looking-only\nscale scaling-too\n')
  await writeFile(join(folder, 'token'), 'scaling-too\n')
  controller = await startController(manager, { env: { ORRERY_TOKEN_FILE: tokens, ORRERY_POLICY_DIR: policies } })
  const labels = policyLabels({ 'autoscaler.max': '5' })
  id = await createService(manager, { name: 'web', replicas: 3, labels, template: NOWHERE })
})
afterAll(async () => await rm(folder, { recursive: true, force: true }))

interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

const orrery = (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    const given = { ORRERY_URL: controller.url, ORRERY_CLI_TOKEN_FILE: join(folder, 'token'), ...env }
    execFile(
      process.execPath,
      [mainFile, ...args],
      { env: { PATH: process.env.PATH, ...given } },
      (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
      },
    )
  })

describe('orrery', () => {
  beforeEach(async () => {
    if ((await replicasOf(manager, id)) === 3) return
    await updateService(manager, id, (spec) => {
      Object.assign(spec.Mode, { Replicated: { Replicas: 3 } })
    })
    await eventually('three again', async () => /"replicas": ?3/.test((await orrery(['ls', '--json'])).out))
  })

  it('schedule shows the week of a service, as lines for people and as the API says it', async () => {
    const labels = policyLabels({
      ...{
        'autoscaler.max': '5',
        'autoscaler.schedule.office.from': '0 8 * * *',
        'autoscaler.schedule.office.for': '10h',
      },
      ...{ 'autoscaler.schedule.office.tz': 'Europe/Oslo', 'autoscaler.schedule.office.max': '9' },
    })
    await createService(manager, { name: 'weekly', labels, template: NOWHERE })
    await eventually('it is known', async () => (await orrery(['schedule', 'weekly'])).code === 0)
    const { out } = await orrery(['schedule', 'weekly'])
    expect(out).toContain('Times are of Europe/Oslo')
    expect(out.split('\n').filter((line) => line.includes('#'.repeat(20)))).toHaveLength(7)
    expect(out).toContain('# 1 to 9 (schedule.office)')
    const week = JSON.parse((await orrery(['schedule', 'weekly', '--json'])).out)
    expect(week.windows).toEqual([{ name: 'office', from: '0 8 * * *', for: '10h', tz: 'Europe/Oslo', max: 9 }])
    expect(week.stretches).toHaveLength(15)
    await removeService(manager, 'weekly')
    expect((await orrery(['schedule', 'nobody'])).code).toBe(1)
  })

  it('ls shows a table, and with --json what the API says', async () => {
    await eventually('it is seen', async () => (await orrery(['ls'])).out.includes('web'))
    const { code, out } = await orrery(['ls'])
    expect(code).toBe(0)
    for (const part of ['NAME', 'REPLICAS', 'web', '3', '5']) expect(out).toContain(part)
    const json = JSON.parse((await orrery(['ls', '--json'])).out)
    expect(json.autoscalers[0]).toMatchObject({ name: 'web', observation: { replicas: 3 } })
  })

  it('up and down say what they did, and exit 0 when there was nothing to do', async () => {
    expect(await orrery(['up', 'web', '--reason', 'a test'])).toMatchObject({
      code: 0,
      out: 'web: 3 -> 4: up by 1 (a test)\n',
    })
    expect(await orrery(['up', 'web', '--by', '50%', '--json'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('"to":5'),
    })
    expect(await orrery(['up', 'web'])).toMatchObject({ code: 0, out: expect.stringContaining('at-max') })
    expect(await orrery(['down', 'web', '--by', '2'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('5 -> 3'),
    })
    expect(await replicasOf(manager, id)).toBe(3)
  })

  it('repeats a call with a key as one step', async () => {
    const key = `k${Date.now()}`
    expect((await orrery(['up', 'web', '--key', key])).out).toContain('3 -> 4')
    const again = await orrery(['up', 'web', '--key', key])
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('duplicate')])
    await orrery(['down', 'web'])
  })

  const refusals: { name: string; args: string[]; env?: Record<string, string>; code: number; says: RegExp }[] = [
    { name: 'an unknown autoscaler', args: ['up', 'nobody'], code: 1, says: /no autoscaler is named nobody/ },
    { name: 'a step that is none', args: ['up', 'web', '--by', '-3'], code: 1, says: /by/ },
    { name: 'an unknown command', args: ['upp'], code: 2, says: /unknown command 'upp'/ },
    { name: 'a missing name', args: ['up'], code: 2, says: /missing required argument 'name'/ },
    {
      name: 'no controller',
      args: ['ls'],
      env: { ORRERY_URL: 'http://127.0.0.1:9' },
      code: 1,
      says: /no controller answers at .*ORRERY_URL/,
    },
    { name: 'no token', args: ['up', 'web'], env: { ORRERY_CLI_TOKEN_FILE: '' }, code: 1, says: /credential/ },
    {
      name: 'a configuration that is wrong',
      args: ['serve'],
      env: { ORRERY_LISTEN: 'x', ORRERY_DRY_RUN: 'maybe' },
      code: 1,
      says: /ORRERY_LISTEN=x(.|\n)*ORRERY_DRY_RUN=maybe/,
    },
  ]
  it.each(refusals)('refuses $name with code $code and says why', async ({ args, env, code, says }) => {
    const outcome = await orrery(args, env)
    expect(outcome.code).toBe(code)
    expect(outcome.err).toMatch(says)
  })

  it('--help lists every command', async () => {
    const { code, out } = await orrery(['--help'])
    expect(code).toBe(0)
    for (const command of ['serve', 'daemon', 'ls', 'up', 'down']) expect(out).toContain(`  ${command}`)
  })
})

describe('Orbiter’s command line', () => {
  const started: ChildProcess[] = []
  afterAll(() => {
    for (const child of started) child.kill('SIGKILL')
  })

  const port = async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    server.close()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  const forms: { name: string; args: (port: number) => string[] }[] = [
    { name: 'daemon -port=:N', args: (at) => ['daemon', `-port=:${at}`] },
    { name: 'daemon --port :N', args: (at) => ['daemon', '--port', `:${at}`] },
    { name: 'daemon -port :N -debug=true', args: (at) => ['daemon', '-port', `:${at}`, '-debug=true'] },
    {
      name: '/bin/orbiter daemon --debug --port=:N',
      args: (at) => ['/bin/orbiter', 'daemon', '--debug', `--port=:${at}`],
    },
  ]
  it.each(forms)('O28: $name listens there', async ({ args }) => {
    const at = await port()
    const env = { PATH: process.env.PATH, DOCKER_HOST: `unix://${manager.socketPath}` }
    const child = spawn(process.execPath, [mainFile, ...args(at)], { env, stdio: 'ignore' })
    started.push(child)
    await eventually('it is healthy', async () => (await fetch(`http://127.0.0.1:${at}/health`)).ok)
    child.kill('SIGTERM')
    expect((await once(child, 'exit'))[0]).toBe(0)
  })

  it('O28: a port that is taken, or none at all, is an exit code that is not 0', async () => {
    const taken = new URL(controller.url).port
    expect(await orrery(['daemon', '-port', `127.0.0.1:${taken}`])).toMatchObject({
      code: 1,
      err: expect.stringContaining(taken),
    })
    expect(await orrery(['daemon', '-port', 'x'])).toMatchObject({ code: 1, err: expect.stringContaining('port') })
  })

  it('O30: autoscaler ls prints what ORBITER_HOST answers', async () => {
    const { code, out } = await orrery(['autoscaler', 'ls'], {
      ORBITER_HOST: controller.url,
      ORRERY_URL: 'http://127.0.0.1:9',
    })
    expect(code).toBe(0)
    expect(JSON.parse(out).data).toEqual([expect.objectContaining({ name: 'autoswarm/web' })])
  })

  it('O30: system events prints a line an event', async () => {
    const env = { PATH: process.env.PATH, ORBITER_HOST: controller.url, ORRERY_CLI_TOKEN_FILE: join(folder, 'token') }
    const child = spawn(process.execPath, [mainFile, 'system', 'events'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    started.push(child)
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += chunk
    })
    await eventually('an event', async () => {
      await orrery(['up', 'web', '--by', '1'])
      await orrery(['down', 'web', '--by', '1'])
      return text.includes('\n')
    })
    expect(JSON.parse(text.split('\n')[0] ?? '')).toHaveProperty('time')
    child.kill('SIGKILL')
  })
})

describe('a policy file', () => {
  it('is in force within 2 s, gives way to labels, and shows where each field comes from', async () => {
    await createService(manager, { name: 'filed', labels: { 'autoscaler.max': '7' }, template: NOWHERE })
    await writeFile(join(policies, 'filed.yaml'), 'min: 1\nmax: 3\nstep: {up: 2}\ncooldown: 0\n')
    const written = Date.now()
    const headers = { authorization: 'Bearer looking-only' }
    const get = () =>
      controller.call<{ policy: Record<string, { value: string; source: string }>; issues: { message: string }[] }>(
        'GET',
        '/v1/autoscaler/filed',
        { headers },
      )
    await eventually('it is active', async () => (await get()).status === 200)
    expect(Date.now() - written).toBeLessThan(2000)
    expect((await get()).body.policy).toMatchObject({
      max: { value: '7', source: 'label' },
      'step.up': { value: '2', source: 'file' },
      rollout: { value: 'hold', source: 'default' },
    })
    await writeFile(join(policies, 'filed.yaml'), 'min: [1\n')
    await eventually('the issue is shown', async () => (await get()).body.issues.length > 0)
    expect((await get()).body.policy['step.up']?.value).toBe('2')
    const up = await controller.up('filed', { headers: { authorization: 'Bearer scaling-too' } })
    expect(up.body).toMatchObject({ outcome: 'scaled', from: 1, to: 3 })
    await rm(join(policies, 'filed.yaml'))
    await eventually('it is gone', async () => (await get()).status === 404)
  })
})

describe('many services, by the page', () => {
  const many = (at: number) => blockBelow('docs/labels.md', 'Many services', 'sh', at)
  const shell = async (line: string) => {
    const { code, stdout, stderr } = await manager.run(['sh', '-c', line], { cwd: folder, timeoutMs: 120_000 })
    expect({ line, code, stderr }).toMatchObject({ line, code: 0 })
    return stdout
  }
  const listed = async () => {
    const { autoscalers } = JSON.parse((await orrery(['ls', '--json'])).out) as { autoscalers: { name: string }[] }
    return autoscalers.filter(({ name }) => name.startsWith('shop_')).length
  }
  const become = (what: string, count: number) =>
    eventually(`${what}: ${count}`, async () => (await listed()) === count, { timeoutMs: 60_000, everyMs: 250 })

  it('forty have one policy: by an anchor, by files, by labels in a loop', { timeout: 300_000 }, async () => {
    const [scaling = '', rest = ''] = blockBelow('docs/labels.md', 'Many services', 'yaml').split(/^services:$/m)
    expect(rest).toContain('<<: *scaling')
    const names = ['web', ...Array.from({ length: 39 }, (_, at) => `s${at}`)]
    const services = names.map((name, at) =>
      [
        `  ${name}:`,
        '    image: orrery-lab/web:good',
        '    command: [sleep, "1000000"]',
        '    deploy:',
        '      endpoint_mode: dnsrr',
        '      placement: { constraints: [node.labels.nowhere == true] }',
        ...(at < 10 ? ['      labels:', '        <<: *scaling'] : []),
      ].join('\n'),
    )
    await writeFile(join(folder, 'shop.yml'), `version: "3.8"\n${scaling}services:\n${services.join('\n')}\n`)
    await shell('docker stack deploy --resolve-image never -c shop.yml shop')
    await become('by the anchor', 10)

    await shell(many(1))
    expect(await readdir(policies)).toHaveLength(40)
    await become('by files', 40)
    for (const file of await readdir(policies)) await rm(join(policies, file))
    await become('by the anchor again', 10)

    await shell(many(0))
    await become('by labels', 40)
    const { out } = await orrery(['ls'])
    expect(out.split('\n').filter((line) => line.startsWith('│ shop_'))).toHaveLength(40)
  })

  it('a max that is lowered is told before, and happens after', async () => {
    const [web] = await manager.api.listServices({ filters: JSON.stringify({ name: ['shop_web'] }) })
    const count = () => replicasOf(manager, web?.ID ?? '')
    await orrery(['set', 'shop_web', '6'])
    expect(await count()).toBe(6)
    const [lower = '', look = '', go = ''] = linesBelow('docs/labels.md', 'Many services', 2)
    await shell(lower)
    const [row = ''] = blocksBelow('docs/labels.md', 'Many services', '')
    const [, ...shown] = row.split('│').flatMap((cell) => cell.trim() || [])
    expect(shown.length).toBe(4)
    await eventually('it is told', async () => {
      const rows = (await orrery(look.split(' ').slice(1))).out.split('\n')
      return rows.some((one) => shown.every((cell) => one.includes(cell)))
    })
    expect(await count()).toBe(6)
    await shell(go)
    await eventually('it happens', async () => (await count()) === 4)
    // Docker's client gives up on the stack's network while tasks of it are still on their way out.
    await eventually('the stack is gone', async () => (await manager.docker('stack', 'rm', 'shop')).code === 0)
  })
})
