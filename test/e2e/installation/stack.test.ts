/** The image and the stack file as operators use them: built, loaded on every manager, deployed by the documented lines. */
import { randomUUID } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WireDecision } from '../../../src/http/wire/decision.ts'
import { attachedTo, pingAll } from '../../demo/ping-table.ts'
import type { Lab, LabNode } from '../../lab/lab.ts'
import { shareImage } from '../../lab/packages/build-image.ts'
import { startNginx } from '../../lab/programs/nginx.ts'
import { startLab } from '../../lab/start-lab.ts'
import { engines } from '../support/engines.ts'
import { engineNetwork, nodeLabels, untilReady } from '../support/observed-networks.ts'
import { buildArgs, loadBuildStage, repository } from '../support/product-image.ts'
import { createService, eventually, NOWHERE, policyLabels, replicasOf, tasksOf } from '../support/services.ts'

const { version } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as { version: string }
/** The name that every text gives the image. */
const image = `orrery:${version}`

/** Steps one after another for as long as controllers are replaced. */
const roomy = policyLabels({ 'autoscaler.max': '100000' })

/** The lines of the first shell block below a heading of docs/operations.md. */
async function linesBelow(heading: string): Promise<string[]> {
  const page = await readFile(join(repository, 'docs/operations.md'), 'utf8')
  const section = page.split(`\n## ${heading}\n`)[1] ?? ''
  const block = /```sh\n([\s\S]*?)```/.exec(section)?.[1] ?? ''
  return block.replaceAll('\\\n', '').split('\n').filter(Boolean)
}

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
  /** `ORRERY_IMAGE=… `, of the upgrade. */
  let upgraded = ''
  /** A port of each manager's controller on this machine. */
  let doors: string[]
  let before: Awaited<ReturnType<typeof everything>>

  const shell = async (node: LabNode, line: string, cwd = repository): Promise<string> => {
    const env = { DOCKER_BUILDKIT: '1' }
    const { code, stdout, stderr } = await node.run(['sh', '-c', line], { cwd, env, timeoutMs: 360_000 })
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
    await shareImage(first, lab.managers, image)
  })
  afterAll(async () => {
    await lab?.down()
    await rm(folder, { recursive: true, force: true })
  })

  const updated = async () => {
    const state = "service inspect --format '{{.UpdateStatus.State}}' orrery_controller"
    const isOver = async () => (await docker(first, state)) === 'completed'
    await eventually('all controllers are replaced', isOver, { timeoutMs: 300_000 })
  }

  type Try = (path: string, init: RequestInit) => Promise<boolean>

  /** As a caller who tries another manager when one does not answer or says 503. */
  const anyManager: Try = async (path, init) => {
    const isTaken = async () => {
      for (const url of doors) {
        const signal = AbortSignal.timeout(10_000)
        const answer = await fetch(`${url}${path}`, { ...init, signal }).catch(() => undefined)
        if (answer?.status === 200) return true
        expect([undefined, 503]).toContain(answer?.status)
      }
      return false
    }
    return await eventually('a manager takes the call', isTaken, { timeoutMs: 60_000 }).catch(() => false)
  }
  /** As one who knows one address, and does not try again. */
  const through =
    (url: string): Try =>
    async (path, init) =>
      (await fetch(`${url}${path}`, init).catch(() => undefined))?.status === 200

  /** Steps up of a service, one after another while `work` is done. The count says how many of them were carried out. */
  const callingMeanwhile = async (
    { credential, service = 'web', how = anyManager }: { credential: string; service?: string; how?: Try },
    work: Promise<unknown>,
  ) => {
    const id = (await first.api.listServices({ filters: { name: [service] } }))[0]?.ID ?? ''
    const from = (await replicasOf(first, id)) ?? 0
    let isOver = false
    const over = () => {
      isOver = true
    }
    const seen = { calls: 0, lost: 0 }
    const calling = async () => {
      // 200 a minute: an autoscaler remembers 250 keys of a minute, and refuses more.
      for (; !isOver; await sleep(300)) {
        const headers = { authorization: `Bearer ${credential}`, 'idempotency-key': randomUUID() }
        const init = { method: 'POST', headers, signal: AbortSignal.timeout(30_000) }
        seen.calls += 1
        if (!(await how(`/v1/autoscaler/${service}/up`, init))) seen.lost += 1
      }
    }
    await Promise.all([work.finally(over), calling()])
    const carriedOut = ((await replicasOf(first, id)) ?? 0) - from
    console.log(`${seen.calls} calls of ${service} meanwhile, ${seen.lost} lost, ${carriedOut} carried out`)
    return { ...seen, carriedOut }
  }

  /** What the Swarm and its hosts have, by their own word: names of objects, labels, links. */
  const everything = async () => {
    const names = async (args: string) =>
      (await docker(first, `${args} --format '{{.Name}}'`)).split('\n').filter(Boolean).sort()
    const services = await first.api.listServices()
    const hosts = lab.nodes.map(async (node) => {
      const networks = (await docker(node, "network ls --filter scope=local --format '{{.Name}} {{.Driver}}'"))
        .split('\n')
        .sort()
      const volumes = await docker(node, 'volume ls --quiet')
      // Of Docker's own bridges and of every container, links come and go.
      const links = JSON.parse(await shell(node, 'ip -j -d link')) as { ifname: string; promiscuity: number }[]
      const kept = links.filter(({ ifname }) => !/^(veth|docker)/.test(ifname))
      const routes = (await shell(node, 'ip route'))
        .split('\n')
        .filter((line) => !line.includes('docker'))
        .sort()
      return [
        node.hostname,
        { networks, volumes, links: kept.map(({ ifname, promiscuity }) => `${ifname} ${promiscuity}`), routes },
      ]
    })
    return {
      swarmNetworks: (await names('network ls --filter scope=swarm')).filter((name) => name !== 'ingress'),
      configs: await names('config ls'),
      secrets: await names('secret ls'),
      nodeLabels: await nodeLabels(first),
      services: Object.fromEntries(services.map(({ Spec }) => [Spec?.Name, Spec?.Labels])),
      hosts: Object.fromEntries(await Promise.all(hosts)),
    }
  }

  it('the image holds what the controller needs and little more', async () => {
    const sizeOf = async (image: string) =>
      Number(await docker(first, `image inspect --format '{{.Size}}' ${image}`)) / 1e6
    const [size, base] = await Promise.all([sizeOf(image), sizeOf(buildArgs.NODE_IMAGE)])
    const own = size - base
    console.log(`image: ${own.toFixed(0)} MB on top of its Node base (${size.toFixed(0)} MB with the lab's base)`)
    expect(own).toBeLessThan(100)
    const links = JSON.parse(await docker(first, `run --rm --network none --entrypoint ip ${image} -j link`))
    expect(links).toContainEqual(expect.objectContaining({ ifname: 'lo' }))
    const packages = await docker(first, `run --rm --network none --entrypoint ls ${image} /app/node_modules`)
    expect(packages.split('\n')).toContain('fastify')
    expect(packages.split('\n')).not.toContain('vitest')
    expect(await docker(first, `run --rm --network none --entrypoint ls ${image} -A /app`)).toBe(
      ['dist', 'node_modules', 'package.json'].join('\n'),
    )
  })

  it("O28: it takes no command, `daemon` and Orbiter's `/bin/orbiter daemon --debug`, and stops with code 0", async () => {
    const commands = ['', 'daemon', '/bin/orbiter daemon --debug', 'daemon -port=:8000']
    const ids = await Promise.all(commands.map((command) => docker(first, `run -d --network none ${image} ${command}`)))
    for (const id of ids) {
      // Cheaper to poll than the health check, which is a process of its own.
      await eventually('it listens', async () => (await first.docker('logs', id)).stdout.includes('"listening"'))
      await docker(first, `exec ${id} node /app/dist/main.js alive`)
    }
    await docker(first, `stop ${ids.join(' ')}`)
    const codes = await docker(first, `inspect --format '{{.State.ExitCode}}' ${ids.join(' ')}`)
    expect(codes.split('\n')).toEqual(commands.map(() => '0'))
    await docker(first, `rm ${ids.join(' ')}`)
    const wrong = await first.docker('run', '--rm', '--network', 'none', image, 'no-such-command')
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

  it('the three documented lines bring a healthy controller and agent to every manager', {
    timeout: 240_000,
  }, async () => {
    before = await everything()
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
          timeoutMs: 180_000,
        }).catch(async (error: Error) => {
          throw new Error(`${error.message}\n${await docker(first, `service ps --no-trunc orrery_${role}`)}`)
        })
    for (const role of roles) {
      const tasks = await eventually('all three run', async () => {
        const running = (await tasksOf(first, `orrery_${role}`)).filter(({ Status }) => Status.State === 'running')
        return running.length === 3 ? running : undefined
      })
      expect(new Set(tasks.map(({ NodeID }) => NodeID)).size).toBe(3)
    }
    doors = (await Promise.all(lab.managers.map((node) => node.forward(8000)))).map(({ url }) => url)
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

  /** A call as curl makes it from inside a node. */
  const call = async (node: LabNode, path: string, credential?: string) => {
    const init = { method: 'POST', headers: credential === undefined ? {} : { authorization: `Bearer ${credential}` } }
    const script = `fetch('http://127.0.0.1:8000${path}', ${JSON.stringify(init)})
      .then(async (answer) => console.log(JSON.stringify({ status: answer.status, body: await answer.json() })))`
    const { stdout } = await node.run([process.execPath, '-e', script], { check: true, timeoutMs: 10_000 })
    return JSON.parse(stdout) as { status: number; body: WireDecision & { code?: string } }
  }

  it('each manager takes calls with the token, and refuses those without', async () => {
    const id = await createService(first, { name: 'web', replicas: 2, labels: roomy, template: NOWHERE })
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

  it('under a new tag, and with a definition, controllers are upgraded without a lost call', {
    timeout: 240_000,
  }, async () => {
    const [build, deploy = ''] = await linesBelow('Upgrading')
    const [, next = ''] = /^docker build -t (\S+) \.$/.exec(build ?? '') ?? []
    await Promise.all(lab.managers.map((node) => docker(node, `tag ${image} ${next}`)))
    upgraded = /^ORRERY_IMAGE=\S+ /.exec(deploy)?.[0] ?? ''
    expect(upgraded).toBe(`ORRERY_IMAGE=${next} `)
    const upgrade = shell(first, `${upgraded}${lines.withNetwork}`, folder).then(updated)
    const { calls, lost, carriedOut } = await callingMeanwhile({ credential: token }, upgrade)
    expect([calls > 10, lost, carriedOut]).toEqual([true, 0, calls])
    const images = await docker(
      first,
      "service ps --filter desired-state=running --format '{{.Image}}' orrery_controller",
    )
    expect(images.split('\n')).toEqual([next, next, next])
  })

  it('every node is made ready by itself, and its containers are reached', async () => {
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
    // From the agent's container, whose own /proc/sys is read-only.
    const settings = lab.nodes.map((node) => node.run(['cat', '/proc/sys/net/ipv4/conf/shim-vlan40/arp_filter']))
    expect((await Promise.all(settings)).map(({ stdout }) => stdout.trim())).toEqual(['1', '1', '1'])
  })

  // Each replaces all controllers twice or once: what Docker's client does of it is the same on both engines.
  if (engine === 'new') {
    it('a rotated token counts beside the old one, and then alone, without a lost call', {
      timeout: 800_000,
    }, async () => {
      const [rotate = '', finish = ''] = await linesBelow('Rotating tokens')
      const old = token
      const rotating = shell(first, rotate, folder)
      const { calls, lost, carriedOut } = await callingMeanwhile({ credential: old }, rotating)
      expect([calls > 10, lost, carriedOut]).toEqual([true, 0, calls])
      const [, rotated = ''] = /^scale (\S+)\n/.exec(await readFile(join(folder, 'orrery-tokens'), 'utf8')) ?? []
      expect(rotated).not.toBe(old)
      for (const node of lab.managers)
        for (const one of [old, rotated])
          expect(await call(node, '/v1/autoscaler/web/explain', one)).toMatchObject({ status: 200 })
      expect(await docker(first, "secret ls --format '{{.Name}}'")).toMatch(/^orrery-tokens-\d+$/)
      token = rotated
      await createService(first, { name: 'other', replicas: 2, labels: roomy, template: NOWHERE })
      const page = await readFile(join(repository, 'docs/reverse-proxy.md'), 'utf8')
      const documented = /```nginx\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
      const upstream = (text: string) =>
        text.replace(/manager([123])/g, (_, one) => lab.managers[Number(one) - 1]?.address ?? '')
      const ordinary = `upstream orrery {\n${[1, 2, 3].map((one) => `server manager${one}:8000;`).join('\n')}\n}
        server { listen 81; location / { proxy_pass http://orrery; } }`
      const proxies = await Promise.all([
        startNginx(lab, { http: upstream(documented), port: 80 }),
        startNginx(lab, { http: upstream(ordinary), port: 81 }),
      ])
      const [good, plain] = proxies.map(({ url }) => through(url))
      const finishing = shell(first, finish, folder)
      const [proxied] = await Promise.all([
        callingMeanwhile({ credential: token, ...(good && { how: good }) }, finishing),
        // For comparison: how many an ordinary configuration loses depends on where it is when a controller stops.
        callingMeanwhile({ credential: token, service: 'other', ...(plain && { how: plain }) }, finishing),
      ])
      expect([proxied.calls > 10, proxied.lost, proxied.carriedOut]).toEqual([true, 0, proxied.calls])
      for (const proxy of proxies) await proxy.close()
      await docker(first, 'service rm other')
      expect(await readFile(join(folder, 'orrery-tokens'), 'utf8')).toMatch(new RegExp(`^scale ${token}\nread \\S+\n$`))
      for (const node of lab.managers) {
        expect(await call(node, '/v1/autoscaler/web/explain', old)).toMatchObject({ status: 401 })
        expect(await call(node, '/v1/autoscaler/web/explain', token)).toMatchObject({ status: 200 })
      }
      expect(await docker(first, "secret ls --format '{{.Name}}'")).toMatch(/^orrery-tokens-\d+$/)
    })
  } else {
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
  }

  it('removing it by the commands of the page leaves nothing: everything listed before and after', {
    timeout: 240_000,
  }, async () => {
    const [plan = '', remove = '', volume = ''] = (await linesBelow('Removing Orrery')).map((line) =>
      line.replace(image, upgraded.replace('ORRERY_IMAGE=', '').trim()),
    )
    const planned = await shell(first, plan, folder)
    expect(planned).toContain('1. remove the network vlan40')
    expect(planned).toContain('remove the services orrery_agent, orrery_controller')
    expect(planned).toContain('take autoscaler.state from the service web')
    expect(await engineNetwork(first, 'vlan40')).toBeDefined()
    const done = await shell(first, remove, folder)
    expect(done).toContain("Done: nothing of Orrery's is left in the Swarm.")
    for (const node of lab.nodes) {
      const gone = async () => (await docker(node, "ps --all --quiet --filter 'name=orrery_'")) === ''
      await eventually(`no container on ${node.hostname}`, gone, { timeoutMs: 60_000 })
      await shell(node, volume)
    }
    const after = await everything()

    expect(after.services).toEqual({ web: roomy })
    expect({ ...after, services: before.services }).toEqual(before)
  })
})
