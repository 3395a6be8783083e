/** The image and the stack file as operators use them: built, loaded on every manager, deployed by the documented lines. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WireDecision } from '../../src/http/wire/decision.ts'
import { attachedTo, pingAll } from '../demo/ping-table.ts'
import { shareImage } from '../lab/build-image.ts'
import type { Lab, LabNode } from '../lab/lab.ts'
import { startLab } from '../lab/start-lab.ts'
import { engines } from './support/engines.ts'
import { engineNetwork, untilReady } from './support/observed-networks.ts'
import { buildArgs, loadBuildStage, repository } from './support/product-image.ts'
import { createService, eventually, NOWHERE, policyLabels, replicasOf, tasksOf } from './support/services.ts'

/** The commands that the stack file's own comment gives, each with what a lab without network needs on top. */
async function documentedLines(): Promise<{ build: string; tokens: string; deploy: string; withNetwork: string }> {
  const text = await readFile(join(repository, 'docker-compose.yml'), 'utf8')
  const [build, tokens, deploy, withNetwork, ...more] = text.match(/^# {3}\S.*$/gm)?.map((line) => line.slice(4)) ?? []
  if (
    build === undefined ||
    tokens === undefined ||
    deploy === undefined ||
    withNetwork === undefined ||
    more.length > 0
  )
    throw new Error('the stack file documents three lines, and one more for networks')
  const args = Object.entries(buildArgs).map(([name, value]) => `--build-arg ${name}=${value}`)
  const offline = (line: string) => line.replace('stack deploy', 'stack deploy --resolve-image never')
  return {
    build: build.replace('docker build', ['docker build --progress=plain', ...args].join(' ')),
    tokens,
    deploy: offline(deploy),
    withNetwork: offline(withNetwork),
  }
}

/** What the three lines are typed in: as a checkout, but that no file of it is the repository's own. */
async function checkout(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-checkout-'))
  for (const entry of ['docker-compose.yml', 'scripts', 'networks'])
    await cp(join(repository, entry), join(folder, entry), { recursive: true })
  const definition = await readFile(join(repository, 'test/demo/networks/vlan40.yaml'), 'utf8')
  await writeFile(join(folder, 'networks/vlan40.yaml'), definition)
  return folder
}

describe.each(engines)('on the %s engine', (engine) => {
  let lab: Lab
  let first: LabNode
  let lines: Awaited<ReturnType<typeof documentedLines>>
  let token: string
  let folder: string

  const shell = async (node: LabNode, line: string, cwd = repository): Promise<string> => {
    const env = { DOCKER_BUILDKIT: '1' }
    const { code, stdout, stderr } = await node.run(['sh', '-c', line], { cwd, env, timeoutMs: 120_000 })
    if (code !== 0) throw new Error(`${line}\n${stdout}\n${stderr}`)
    return stdout.trim()
  }
  const docker = (node: LabNode, args: string) => shell(node, `docker ${args}`)

  beforeAll(async () => {
    lines = await documentedLines()
    folder = await checkout()
    const lan = { subnet: '10.40.0.0/16', gateway: '10.40.0.1', hostAddresses: true }
    lab = await startLab({ engine, lan, images: ['orrery-lab/web', 'orrery-lab/node'] })
    const [manager] = lab.managers
    if (manager === undefined) throw new Error('a lab without managers')
    first = manager
    await loadBuildStage(first)
    await shell(first, lines.build)
    await shareImage(first, lab.managers, 'orrery')
  })
  afterAll(async () => {
    await lab?.down()
    await rm(folder, { recursive: true, force: true })
  })

  it('the image holds what the controller needs and little more', async () => {
    const sizeOf = async (image: string) =>
      Number(await docker(first, `image inspect --format '{{.Size}}' ${image}`)) / 1e6
    const [size, base] = await Promise.all([sizeOf('orrery'), sizeOf(buildArgs.NODE_IMAGE)])
    const own = size - base
    console.log(`image: ${own.toFixed(0)} MB on top of its Node base (${size.toFixed(0)} MB with the lab's base)`)
    expect(own).toBeLessThan(100)
    const links = JSON.parse(await docker(first, 'run --rm --network none --entrypoint ip orrery -j link'))
    expect(links).toContainEqual(expect.objectContaining({ ifname: 'lo' }))
    const packages = await docker(first, "run --rm --network none --entrypoint ls orrery '/app/node_modules'")
    expect(packages.split('\n')).toContain('fastify')
    expect(packages.split('\n')).not.toContain('vitest')
    expect(await docker(first, 'run --rm --network none --entrypoint ls orrery -A /app')).toBe(
      ['dist', 'node_modules', 'package.json'].join('\n'),
    )
  })

  it("O28: it takes no command, `daemon` and Orbiter's `/bin/orbiter daemon --debug`, and stops with code 0", async () => {
    const commands = ['', 'daemon', '/bin/orbiter daemon --debug', 'daemon -port=:8000']
    const ids = await Promise.all(commands.map((command) => docker(first, `run -d --network none orrery ${command}`)))
    for (const id of ids) {
      // Cheaper to poll than the health check, which is a process of its own.
      await eventually('it listens', async () => (await first.docker('logs', id)).stdout.includes('"listening"'))
      await docker(first, `exec ${id} node /app/dist/main.js alive`)
    }
    await docker(first, `stop ${ids.join(' ')}`)
    const codes = await docker(first, `inspect --format '{{.State.ExitCode}}' ${ids.join(' ')}`)
    expect(codes.split('\n')).toEqual(commands.map(() => '0'))
    await docker(first, `rm ${ids.join(' ')}`)
    const wrong = await first.docker('run', '--rm', '--network', 'none', 'orrery', 'no-such-command')
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain("unknown command 'no-such-command'")
  })

  const roles = ['controller', 'agent'] as const
  const container = async (node: LabNode, role: (typeof roles)[number] = 'controller') => {
    const find = () => docker(node, `ps --quiet --filter 'name=orrery_${role}'`)
    return await eventually(`one ${role} on ${node.hostname}`, async () => /^\w+$/.exec(await find())?.[0])
  }
  const health = async (node: LabNode, role: (typeof roles)[number]) =>
    await docker(node, `inspect --format '{{.State.Health.Status}}' ${await container(node, role)}`)

  it('the three documented lines bring a healthy controller and agent to every manager', async () => {
    await first.docker('stack', 'rm', 'orrery')
    await shell(first, lines.tokens, folder)
    const written = (await readFile(join(folder, 'orrery-tokens'), 'utf8')).split('\n')
    expect(written.map((line) => line.split(' ')[0])).toEqual(['scale', 'read', ''])
    const [secret = '', readOnly = ''] = written.map((line) => line.split(' ')[1] ?? '')
    for (const one of [secret, readOnly]) expect(one).toMatch(/^[0-9a-f]{48}$/)
    expect(secret).not.toBe(readOnly)
    token = secret
    const started = Date.now()
    await shell(first, lines.deploy, folder)
    for (const node of lab.managers)
      for (const role of roles)
        await eventually(`${role} is healthy`, async () => (await health(node, role)) === 'healthy', {
          everyMs: 250,
          timeoutMs: 90_000,
        })
    for (const role of roles) {
      const tasks = await eventually('all three run', async () => {
        const running = (await tasksOf(first, `orrery_${role}`)).filter(({ Status }) => Status.State === 'running')
        return running.length === 3 ? running : undefined
      })
      expect(new Set(tasks.map(({ NodeID }) => NodeID)).size).toBe(3)
    }
    console.log(`deployed and healthy on three managers after ${((Date.now() - started) / 1000).toFixed(1)} s`)
  })

  it("it runs with a read-only root, without capabilities, with the token as a secret and on the host's network", async () => {
    const id = await container(first)
    const { HostConfig, Config } = JSON.parse(await docker(first, `inspect --format '{{json .}}' ${id}`))
    expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'], NetworkMode: 'host' })
    expect(JSON.stringify(Config)).not.toContain(token)
    expect(await docker(first, `exec ${id} sh -c 'grep CapEff /proc/1/status'`)).toMatch(/CapEff:\s+0{16}$/)
    expect((await first.docker('exec', id, 'touch', '/app/x')).stderr).toContain('Read-only file system')
    expect(await docker(first, `exec ${id} cat /run/secrets/orrery-tokens`)).toMatch(
      new RegExp(`^scale ${token}\nread [0-9a-f]{48}$`),
    )
  })

  it('the agent may change links, and nothing else; it does not know the token to scale with', async () => {
    const id = await container(first, 'agent')
    const { HostConfig } = JSON.parse(await docker(first, `inspect --format '{{json .}}' ${id}`))
    expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'], NetworkMode: 'host' })
    // CAP_NET_ADMIN is bit 12.
    expect(await docker(first, `exec ${id} sh -c 'grep CapEff /proc/1/status'`)).toMatch(/CapEff:\s+0{12}1000$/)
    expect(await docker(first, `exec ${id} sh -c 'ls /run/secrets 2>/dev/null || true'`)).toBe('')
    const written = await first.docker('exec', id, 'touch', '/var/lib/docker/swarm/certificates/x')
    expect(written.stderr).toContain('Read-only file system')
  })

  it('with a definition every node is made ready by itself, and its containers are reached', async () => {
    await shell(first, lines.withNetwork, folder)
    await untilReady(first, 'vlan40', lab.nodes, 90_000)
    await eventually('the swarm network', async () => await engineNetwork(first, 'vlan40'))
    const how = '--detach --no-resolve-image --endpoint-mode dnsrr --mode global --network vlan40 --name lan'
    await docker(
      first,
      `service create ${how} --constraint 'node.labels.orrery.network.vlan40==ready' orrery-lab/web:good`,
    )
    const attached = await eventually(
      'a container on each',
      async () => {
        const found = await attachedTo('vlan40', lab.nodes)
        return found.length === 3 ? found : undefined
      },
      { timeoutMs: 60_000 },
    )
    for (const [from, ...cells] of await pingAll(lab.nodes, attached))
      expect({ from, cells }).toEqual({ from, cells: ['yes', 'yes', 'yes'] })
    await docker(first, 'service rm lan')
    // The deploy changed the controllers, which are replaced one after another.
    const update = "service inspect --format '{{.UpdateStatus.State}}' orrery_controller"
    await eventually('the update is over', async () => (await docker(first, update)) === 'completed', {
      timeoutMs: 90_000,
    })
  })

  /** A call as curl makes it from inside a node. */
  const call = async (node: LabNode, path: string, credential?: string) => {
    const init = { method: 'POST', headers: credential === undefined ? {} : { authorization: `Bearer ${credential}` } }
    const script = `fetch('http://127.0.0.1:8000${path}', ${JSON.stringify(init)})
      .then(async (answer) => console.log(JSON.stringify({ status: answer.status, body: await answer.json() })))`
    const { stdout } = await node.run([process.execPath, '-e', script], { check: true, timeoutMs: 10_000 })
    return JSON.parse(stdout) as { status: number; body: WireDecision & { code?: string } }
  }

  it('each manager takes calls with the token, and refuses those without', async () => {
    const id = await createService(first, { name: 'web', replicas: 2, labels: policyLabels(), template: NOWHERE })
    await eventually('all see it', async () => {
      const answers = await Promise.all(lab.managers.map((node) => call(node, '/v1/autoscaler/web/explain', token)))
      return answers.every(({ status }) => status === 200)
    })
    for (const [index, node] of lab.managers.entries()) {
      expect(await call(node, '/v1/autoscaler/web/up')).toMatchObject({ status: 401, body: { code: 'no-credential' } })
      const wrong = await call(node, '/v1/autoscaler/web/up', 'a-guess')
      expect(wrong).toMatchObject({ status: 401, body: { code: 'wrong-credential' } })
      const { status, body } = await call(node, '/v1/autoscaler/web/up', token)
      expect({ status, ...body }).toMatchObject({ status: 200, outcome: 'scaled', from: 2 + index, to: 3 + index })
    }
    expect(await replicasOf(first, id)).toBe(5)
  })

  it('an update goes from manager to manager: each stops by itself with code 0, and the others go on answering', async () => {
    await docker(first, 'service update --force --detach orrery_controller')
    const stopped = await eventually('the first of them has stopped', async () => {
      const ended = (await tasksOf(first, 'orrery_controller')).filter(({ Status }) => Status.State !== 'running')
      return ended.find(({ DesiredState, Status }) => DesiredState === 'shutdown' && Status.State === 'shutdown')
    })
    const answers = await Promise.allSettled(lab.managers.map((node) => call(node, '/v1/autoscaler/web/up', token)))
    const scaled = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.body.outcome === 'scaled')
    expect(scaled.length).toBeGreaterThanOrEqual(2)
    // Killed at the end of its grace period it would be 137.
    expect(stopped.Status.ContainerStatus).toMatchObject({ ExitCode: 0 })
  })
})
