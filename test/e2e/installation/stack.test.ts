/** The image and the stack files as operators use them: built, loaded on every manager, deployed by the documented lines. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WireDecision } from '../../../src/http/wire/decision.ts'
import { attachedTo, pingAll } from '../../demo/ping-table.ts'
import type { Lab, LabNode } from '../../lab/lab.ts'
import { shareImage } from '../../lab/packages/build-image.ts'
import { startLab } from '../../lab/start-lab.ts'
import { engines } from '../support/engines.ts'
import { engineNetwork, untilReady } from '../support/observed-networks.ts'
import { blockBelow, linesBelow, typedBelow } from '../support/pages.ts'
import { buildArgs, loadBuildStage, repository } from '../support/product-image.ts'
import { createService, eventually, NOWHERE, replicasOf, tasksOf } from '../support/services.ts'
import { anyOf, callingMeanwhile, type Try, through, trusting } from './support/callers.ts'
import {
  checkout,
  documentedLines,
  documentedProxy,
  image,
  OPERATIONS,
  offline,
  ordinaryProxy,
  roomy,
  shopStack,
  WHY,
  withBuildArgs,
} from './support/documented-stack.ts'
import { everything } from './support/everything.ts'
import { type PrivateAuthority, privateAuthority } from './support/private-authority.ts'

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
  /** On one of the engines controllers speak TLS, with certificates of a private authority; on the other plain HTTP. */
  const scheme = engine === 'new' ? 'https' : 'http'
  let authority: PrivateAuthority

  const shell = async (node: LabNode, line: string, cwd = repository, timeoutMs = 360_000): Promise<string> => {
    const env = { DOCKER_BUILDKIT: '1' }
    const { code, stdout, stderr } = await node.run(['sh', '-c', line], { cwd, env, timeoutMs })
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
    authority = await privateAuthority(folder)
    const addresses = lab.managers.map(({ address }) => `IP:${address}`)
    await authority.issue('controllers', ['DNS:orrery.example', 'IP:127.0.0.1', ...addresses])
    await authority.issue('proxy', ['DNS:orrery.example', 'IP:127.0.0.1'])
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

  const stackFiles = (line: string) => (scheme === 'http' ? line : line.replace(' orrery', ' -c tls.yml orrery'))
  /** A command of the image, told of the private authority as the page has it. */
  const trusted = (line: string) => {
    if (scheme === 'http') return line
    const options = /-v "\$PWD\/our-ca\.pem[^"]*" -e NODE_EXTRA_CA_CERTS=\S+/.exec(
      blockBelow('docs/reverse-proxy.md', 'A private authority', 'sh'),
    )
    return line.replace('docker run --rm', `docker run --rm ${options} -e ORRERY_URL=https://127.0.0.1:8000`)
  }
  const dispatcher = () => trusting(scheme === 'https' ? authority.ca : undefined)
  const callers = (how: Try, service = 'shop_web') => ({ node: first, credential: token, service, how })

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

  const allHealthy = async (role: (typeof roles)[number]) => {
    for (const node of lab.managers)
      await eventually(`${role} is healthy`, async () => (await health(node, role)) === 'healthy', {
        everyMs: 250,
        timeoutMs: 180_000,
      }).catch(async (error: Error) => {
        throw new Error(`${error.message}\n${await docker(first, `service ps --no-trunc orrery_${role}`)}`)
      })
  }

  // Once: what it is about is in the stack file and in the texts.
  if (scheme === 'http') {
    it('README: autoscaling alone in three lines, a call, an answer, and gone again', {
      timeout: 300_000,
    }, async () => {
      before = await everything(lab)
      const [build, tokens = '', deploy = ''] = linesBelow('README.md', 'Quick start: autoscaling')
      expect(withBuildArgs(build ?? '')).toBe(lines.build)
      await shell(first, tokens, folder)
      await shell(first, offline(deploy), folder)
      await allHealthy('controller')

      const own = await first.api.listServices()
      expect(own.map(({ Spec }) => Spec?.Name)).toEqual(['orrery_controller'])
      for (const node of lab.nodes) {
        const ids = (await docker(node, 'ps --quiet')).split('\n').filter(Boolean)
        for (const id of ids) {
          const { CapAdd, CapDrop, Privileged } = JSON.parse(
            await docker(node, `inspect --format '{{json .HostConfig}}' ${id}`),
          )
          expect({ CapAdd, CapDrop, Privileged }).toEqual({ CapAdd: null, CapDrop: ['ALL'], Privileged: false })
        }
      }

      await writeFile(join(folder, 'shop.yml'), shopStack())
      await shell(first, offline('docker stack deploy -c shop.yml shop'), folder)
      const typed = typedBelow('README.md', 'Orrery')
      const [auth = '', put = '', down = ''] = typedBelow('README.md', 'Quick start: autoscaling')
      const up = typed.find((line) => line.endsWith('/shop_web/up')) ?? expect.fail('the page has no call')
      const [, token] = /^scale (\S+)$/m.exec(await readFile(join(folder, 'orrery-tokens'), 'utf8')) ?? []
      const answer = async (line: string) =>
        JSON.parse(await shell(first, `TOKEN=${token}\n${auth}\n${line}`, folder)) as WireDecision
      await eventually('it is known', async () => (await answer(up.replace('/up', '/explain'))).outcome === 'scaled')
      expect(await answer(up)).toMatchObject({ outcome: 'scaled', reason: 'up by 1', from: 2, to: 3, wanted: 3 })
      const limits = [{ stage: 'max', before: 50, after: 4, reason: 'max is 4' }]
      expect(await answer(put)).toMatchObject({ reason: 'set to 50; max is 4', from: 3, to: 4, wanted: 50, limits })
      const reason = expect.stringMatching(/^cooldown: down is possible again in \d+ s$/)
      expect(await answer(down)).toMatchObject({ outcome: 'held', code: 'cooldown', reason, from: 4, to: 4 })
      const [ls = ''] = linesBelow('README.md', 'Quick start: autoscaling', 1)
      expect(await shell(first, ls, folder)).toMatch(/│ shop_web │ shop_web +│ 4/)

      await docker(first, 'stack rm shop')
      const [, remove = ''] = linesBelow(OPERATIONS, 'Removing Orrery')
      expect(await shell(first, remove, folder)).toContain("Done: nothing of Orrery's is left in the Swarm.")
      for (const node of lab.nodes)
        await eventually('no container', async () => (await docker(node, 'ps --all --quiet')) === '', {
          timeoutMs: 60_000,
        })
      expect(await everything(lab)).toEqual(before)
      await rm(join(folder, 'orrery-tokens'))
    })
  }

  const title =
    scheme === 'https' ? 'its three lines, and a certificate,' : 'README: a network on the LAN in three lines'
  it(`${title} bring a healthy controller and agent to every manager`, { timeout: 300_000 }, async () => {
    before = await everything(lab)
    await shell(first, lines.tokens, folder)
    if (scheme === 'https') {
      const [cert = '', key = '', deploy = ''] = linesBelow(OPERATIONS, 'TLS')
      for (const line of [cert, key]) await shell(first, line, folder)
      expect(offline(deploy)).toBe(stackFiles(lines.deploy))
    } else
      expect(lines.withNetwork).toBe(offline(linesBelow('README.md', 'Quick start: containers on your LAN')[2] ?? ''))
    const written = (await readFile(join(folder, 'orrery-tokens'), 'utf8')).split('\n')
    expect(written.map((line) => line.split(' ')[0])).toEqual(['scale', 'read', ''])
    const [secret = '', readOnly = ''] = written.map((line) => line.split(' ')[1] ?? '')
    for (const one of [secret, readOnly]) expect(one).toMatch(/^[0-9a-f]{48}$/)
    expect(secret).not.toBe(readOnly)
    token = secret
    const started = Date.now()
    await shell(first, scheme === 'https' ? stackFiles(lines.deploy) : lines.withNetwork, folder)
    for (const role of roles) await allHealthy(role)
    for (const role of roles) {
      const tasks = await eventually('all three run', async () => {
        const running = (await tasksOf(first, `orrery_${role}`)).filter(({ Status }) => Status.State === 'running')
        return running.length === 3 ? running : undefined
      })
      expect(new Set(tasks.map(({ NodeID }) => NodeID)).size).toBe(3)
    }
    const forwards = await Promise.all(lab.managers.map((node) => node.forward(8000)))
    doors = forwards.map(({ port }) => `${scheme}://127.0.0.1:${port}`)
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

  /** A call from inside a node. */
  const call = async (node: LabNode, path: string, credential?: string, sent?: object) => {
    const headers = {
      ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
      ...(sent && { 'content-type': 'application/json' }),
    }
    const init = { method: 'POST', headers, ...(sent && { body: JSON.stringify(sent) }) }
    const script = `fetch('${scheme}://127.0.0.1:8000${path}', ${JSON.stringify(init)})
      .then(async (answer) => console.log(JSON.stringify({ status: answer.status, body: await answer.json() })))`
    const options = { check: true, timeoutMs: 10_000, env: { NODE_EXTRA_CA_CERTS: join(folder, 'our-ca.pem') } }
    const { stdout } = await node.run([process.execPath, '-e', script], options)
    return JSON.parse(stdout) as { status: number; body: WireDecision & { code?: string } }
  }

  it('each manager takes calls with the token, and refuses those without', async () => {
    const id = await createService(first, { name: 'shop_web', replicas: 2, labels: roomy, template: NOWHERE })
    await eventually('all see it', async () => {
      const answers = await Promise.all(
        lab.managers.map((node) => call(node, '/v1/autoscaler/shop_web/explain', token)),
      )
      return answers.every(({ status }) => status === 200)
    })
    for (const [index, node] of lab.managers.entries()) {
      expect(await call(node, '/v1/autoscaler/shop_web/up')).toMatchObject({
        status: 401,
        body: { code: 'no-credential' },
      })
      const wrong = await call(node, '/v1/autoscaler/shop_web/up', 'a-guess')
      expect(wrong).toMatchObject({ status: 401, body: { code: 'wrong-credential' } })
      const { status, body } = await call(node, '/v1/autoscaler/shop_web/up', token)
      expect({ status, ...body }).toMatchObject({ status: 200, outcome: 'scaled', from: 2 + index, to: 3 + index })
    }
    expect(await replicasOf(first, id)).toBe(5)
    // What the next day is asked for.
    await call(first, '/v1/autoscaler/shop_web/pause', token, { reason: 'the database moves' })
    for (const node of lab.managers)
      await eventually('it is paused everywhere', async () => (await upOn(node)).code === 'paused')
    await call(first, '/v1/autoscaler/shop_web/resume', token)
    for (const node of lab.managers)
      await eventually('it is resumed everywhere', async () => (await explainOn(node)).outcome === 'scaled')
  })
  const upOn = async (node: LabNode) => (await call(node, '/v1/autoscaler/shop_web/up', token)).body
  const explainOn = async (node: LabNode) => (await call(node, '/v1/autoscaler/shop_web/explain', token)).body

  it('under a new tag, and with a definition, controllers are upgraded without a lost call', {
    timeout: 240_000,
  }, async () => {
    const [build, deploy = ''] = linesBelow(OPERATIONS, 'Upgrading')
    const [, next = ''] = /^docker build -t (\S+) \.$/.exec(build ?? '') ?? []
    await Promise.all(lab.managers.map((node) => docker(node, `tag ${image} ${next}`)))
    upgraded = /^ORRERY_IMAGE=\S+ /.exec(deploy)?.[0] ?? ''
    expect(upgraded).toBe(`ORRERY_IMAGE=${next} `)
    // Over TLS, callers that know every manager; over plain HTTP, one that knows nginx alone, and beside it an ordinary nginx.
    const proxy = scheme === 'http' ? await documentedProxy(lab) : undefined
    if (proxy) await createService(first, { name: 'other', replicas: 2, labels: roomy, template: NOWHERE })
    const plain = proxy && (await ordinaryProxy(lab))
    const upgrade = shell(first, `${upgraded}${stackFiles(lines.withNetwork)}`, folder).then(updated)
    const how = proxy === undefined ? anyOf(doors, dispatcher()) : through(proxy.url, dispatcher())
    const [{ calls, lost, carriedOut }] = await Promise.all([
      callingMeanwhile(callers(how), upgrade),
      plain && callingMeanwhile(callers(through(plain.url, dispatcher()), 'other'), upgrade),
    ])
    expect([calls > 10, lost, carriedOut]).toEqual([true, 0, calls])
    await Promise.all([proxy?.close(), plain?.close()])
    if (plain) await docker(first, 'service rm other')
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
      const [rotate = '', finish = ''] = linesBelow(OPERATIONS, 'Rotating tokens')
      const old = token
      const rotating = shell(first, rotate, folder)
      const { calls, lost, carriedOut } = await callingMeanwhile(callers(anyOf(doors, dispatcher())), rotating)
      expect([calls > 10, lost, carriedOut]).toEqual([true, 0, calls])
      const [, rotated = ''] = /^scale (\S+)\n/.exec(await readFile(join(folder, 'orrery-tokens'), 'utf8')) ?? []
      expect(rotated).not.toBe(old)
      for (const node of lab.managers)
        for (const one of [old, rotated])
          expect(await call(node, '/v1/autoscaler/shop_web/explain', one)).toMatchObject({ status: 200 })
      expect(await tokenSecrets()).toHaveLength(1)
      token = rotated
      const proxy = await documentedProxy(lab, folder)
      await byName(proxy.url)
      const finishing = shell(first, finish, folder)
      const proxied = await callingMeanwhile(callers(through(proxy.url, dispatcher())), finishing)
      expect([proxied.calls > 10, proxied.lost, proxied.carriedOut]).toEqual([true, 0, proxied.calls])
      await proxy.close()
      expect(await readFile(join(folder, 'orrery-tokens'), 'utf8')).toMatch(new RegExp(`^scale ${token}\nread \\S+\n$`))
      for (const node of lab.managers) {
        expect(await call(node, '/v1/autoscaler/shop_web/explain', old)).toMatchObject({ status: 401 })
        expect(await call(node, '/v1/autoscaler/shop_web/explain', token)).toMatchObject({ status: 200 })
      }
      expect(await tokenSecrets()).toEqual([expect.stringMatching(/^orrery-tokens-\d+$/)])
    })

    const tokenSecrets = async () =>
      (await docker(first, "secret ls --format '{{.Name}}'"))
        .split('\n')
        .filter((name) => name.startsWith('orrery-tokens'))

    /** The commands of the page that call the proxy by its name, from a node. */
    const byName = async (url: string) => {
      const [address = ''] = /(?<=inet )[\d.]+/.exec((await lab.run(['ip', '-4', 'addr', 'show', 'br0'])).stdout) ?? []
      const [ls = ''] = linesBelow('docs/reverse-proxy.md', 'A private authority')
      const hosts = `docker run --rm --network host --add-host orrery.example:${address}`
      expect(await shell(first, ls.replace('docker run --rm', hosts), folder)).toContain('│ shop_web')
      const [auth = '', curl = ''] = linesBelow('docs/reverse-proxy.md', 'A private authority', 1)
      const resolved = curl.replace('curl', `curl --resolve orrery.example:443:${address}`)
      expect(JSON.parse(await shell(first, `${auth}\n${resolved}`, folder))).toMatchObject({ outcome: 'scaled' })
      // Without the authority neither believes anybody.
      const untold = ls.replace('docker run --rm', hosts).replace(/-e NODE_EXTRA_CA_CERTS=\S+/, '')
      const refused = await first.run(['sh', '-c', untold], { cwd: folder, timeoutMs: 60_000 })
      expect(refused).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/no controller answers at .*certificate/),
      })
      await expect(fetch(`${url}/healthz`)).rejects.toThrow()
    }

    it('the count rises, tasks do not: the commands of the page say why', { timeout: 300_000 }, async () => {
      const shellOf = trusted(blockBelow(OPERATIONS, 'The commands from the image', 'sh').split('}')[0] ?? '')
      const said = async (line: string) => await shell(first, `${shellOf}}\n${line}`, folder, 60_000)
      const [ls = '', explain = '', describing = ''] = linesBelow(WHY, 'Now')
      // Swarm has half a minute to find a place.
      const waits = /Unschedulable: \d+ tasks wait for a node: no suitable node/
      await eventually('ls says so', async () => waits.test(await said(ls)), { everyMs: 1000, timeoutMs: 120_000 })
      expect(await said(explain)).toContain('shop_web: would go from')
      expect(await said(describing)).toMatch(/Unschedulable +│ yes .*no suitable node/)
      expect(await said('orrery tasks shop_web')).toMatch(/pending .*no suitable node/)
    })

    it('why it did not scale the night before is in the log of controllers that have been replaced three times since', {
      timeout: 180_000,
    }, async () => {
      const command = blockBelow(WHY, 'The next day: why did it not scale at 03:10?', 'sh')
      // One controller each. Where one was only just replaced, Swarm may end before it has everybody's lines.
      const paused = await eventually(
        'the lines of all three',
        async () => {
          const lines = (await shell(first, command, folder, 90_000)).split('\n')
          const decided = lines.flatMap((line) =>
            line.includes('{') ? [JSON.parse(line.slice(line.indexOf('{')))] : [],
          )
          const found = decided.filter(({ code }) => code === 'paused')
          return found.length >= 3 ? found : undefined
        },
        { timeoutMs: 90_000 },
      )
      expect(paused).toHaveLength(3)
      for (const one of paused)
        expect(one).toMatchObject({ outcome: 'held', reason: expect.stringContaining('the database moves') })
    })
  } else {
    it('an update goes from manager to manager: each stops by itself with code 0, and the others go on answering', async () => {
      await docker(first, 'service update --force --detach orrery_controller')
      const stopped = await eventually('the first of them has stopped', async () => {
        const ended = (await tasksOf(first, 'orrery_controller')).filter(({ Status }) => Status.State !== 'running')
        return ended.find(({ DesiredState, Status }) => DesiredState === 'shutdown' && Status.State === 'shutdown')
      })
      const answers = await Promise.allSettled(
        lab.managers.map((node) => call(node, '/v1/autoscaler/shop_web/up', token)),
      )
      const scaled = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.body.outcome === 'scaled')
      expect(scaled.length).toBeGreaterThanOrEqual(2)
      // Killed at the end of its grace period it would be 137.
      expect(stopped.Status.ContainerStatus).toMatchObject({ ExitCode: 0 })
    })
  }

  it('removing it by the commands of the page leaves nothing: everything listed before and after', {
    timeout: 240_000,
  }, async () => {
    const [plan = '', remove = '', volume = ''] = linesBelow(OPERATIONS, 'Removing Orrery').map((line) =>
      trusted(line).replace(image, upgraded.replace('ORRERY_IMAGE=', '').trim()),
    )
    const planned = await shell(first, plan, folder)
    expect(planned).toContain('1. remove the network vlan40')
    expect(planned).toContain('remove the services orrery_agent, orrery_controller')
    expect(planned).toContain('take autoscaler.state from the service shop_web')
    expect(await engineNetwork(first, 'vlan40')).toBeDefined()
    const done = await shell(first, remove, folder)
    expect(done).toContain("Done: nothing of Orrery's is left in the Swarm.")
    for (const node of lab.nodes) {
      const gone = async () => (await docker(node, "ps --all --quiet --filter 'name=orrery_'")) === ''
      await eventually(`no container on ${node.hostname}`, gone, { timeoutMs: 60_000 })
      await shell(node, volume)
    }
    const after = await everything(lab)

    expect(after.services).toEqual({ shop_web: roomy })
    expect({ ...after, services: before.services }).toEqual(before)
  })
})
