import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { execute } from '../../lab/execute.ts'
import type { Lab, LabNode } from '../../lab/lab.ts'
import { buildImage, loadFolders, shareImage } from '../../lab/packages/build-image.ts'
import { startLab } from '../../lab/start-lab.ts'
import { clearLab, labNames, readRecord } from '../../lab/state.ts'
import { namespacesOf, tracesOf } from '../support/lab-traces.ts'
import { eventually } from '../support/services.ts'
import { sideBySide } from '../support/side-by-side.ts'

const unique = (name: string) => `${name}-${process.pid}`
/** A name whose lab goes at the end of the test, however that comes: a second try can have it again. */
const passing = ({ onTestFinished }: TestContext, name: string) => {
  const own = unique(name)
  onTestFinished(() => clearLab(own))
  return own
}
const tsx = ['--import', 'tsx']
const command = join(import.meta.dirname, '../../lab/command.ts')

/** In place of one that an earlier try of the test has left. */
async function createWeb(node: LabNode, name: string, port: number, ...options: string[]) {
  await node.docker('service', 'rm', name)
  const publish = `mode=host,target=80,published=${port}`
  const how = ['--detach', '--no-resolve-image', '--endpoint-mode', 'dnsrr', '--publish', publish]
  const { code, stderr } = await node.docker('service', 'create', ...how, '--name', name, ...options)
  if (code !== 0) throw new Error(stderr)
}
/** Three tasks of `web` run in the first lab. */
async function runWeb() {
  if ((await first.docker('service', 'inspect', 'web')).code !== 0) {
    await createWeb(first, 'web', 8080, '--replicas', '3', 'orrery-lab/web:good')
  }
  await eventually('three tasks', async () => (await tasks(first, 'web', 'Running')).length === 3, {
    timeoutMs: 120_000,
  })
}
async function tasks(node: LabNode, service: string, state: string): Promise<string[]> {
  const { stdout } = await node.docker('service', 'ps', service, '--format', '{{.Node}} {{.CurrentState}}')
  const lines = stdout.trim().split('\n')
  return lines.filter((line) => line.includes(` ${state} `)).map((line) => line.split(' ')[0] as string)
}
async function containers(node: LabNode): Promise<string[]> {
  const { stdout } = await node.docker('ps', '--quiet', '--no-trunc')
  return stdout.trim().split('\n').filter(Boolean)
}
const nodeState = async (asked: LabNode, node: LabNode) =>
  (await asked.docker('node', 'inspect', node.nodeId, '--format', '{{.Status.State}}')).stdout.trim()

let lab: Lab
let old: Lab
let first: LabNode
let second: LabNode
let third: LabNode

beforeAll(async () => {
  const started = await Promise.all([
    startLab({ name: unique('new') }),
    startLab({
      name: unique('old'),
      engine: 'old',
      nodes: 2,
      managers: 1,
      images: ['orrery-lab/web', 'orrery-lab/node'],
    }),
  ])
  ;[lab, old] = started
  ;[first, second, third] = lab.nodes as [LabNode, LabNode, LabNode]
  console.log(`engines: ${lab.engineVersion} and ${old.engineVersion}`)
})
afterAll(async () => {
  await Promise.all([lab?.down(), old?.down()])
})

describe('two labs side by side', () => {
  it('have engines, names and addresses of their own', async () => {
    const version = async ({ nodes: [node] }: Lab) =>
      (await node?.docker('version', '--format', '{{.Server.Version}}'))?.stdout
    expect(await version(lab)).toMatch(/^(2[89]|[3-9]\d)\./)
    expect(await version(old)).toMatch(/^20\.10\./)
    expect(lab.managers.length).toBe(3)
    expect([old.managers.length, old.workers.length]).toEqual([1, 1])
    const addresses = [...lab.nodes, ...old.nodes].map(({ address }) => address)
    expect(new Set(addresses).size).toBe(5)
  })

  it('cannot reach one another', async () => {
    const [other] = old.nodes
    const script = `require('net').connect(2377, '${other?.address}').on('connect', () => process.exit(0))`
    const reach = await first.run([process.execPath, '-e', script], { timeoutMs: 5_000 })
    expect(reach.code).not.toBe(0)
  })

  it('run a service with three tasks each, published on their nodes', async () => {
    for (const [{ managers, nodes }, count] of [
      [lab, 3],
      [old, 2],
    ] as const) {
      const [manager] = managers as [LabNode]
      await createWeb(manager, 'web', 8080, '--replicas', String(count), 'orrery-lab/web:good')
      await eventually('all tasks run', async () => (await tasks(manager, 'web', 'Running')).length === count)
      for (const node of nodes) {
        const { url, close } = await node.forward(8080)
        await eventually(
          'it answers',
          async () =>
            (await fetch(url).then(
              (answer) => answer.text(),
              () => '',
            )) === 'orrery-lab/web\n',
        )
        await close()
      }
    }
  }, 240_000)

  it('see a bad image fail', async () => {
    for (const {
      managers: [manager],
    } of [lab, old]) {
      if (manager === undefined) throw new Error('no manager')
      await createWeb(manager, 'bad', 8081, '--restart-condition', 'none', 'orrery-lab/web:bad')
      await eventually('the task fails', async () => (await tasks(manager, 'bad', 'Failed')).length === 1)
      await manager.docker('service', 'rm', 'bad')
    }
  })

  it('deploy a stack with host network, engine socket, secret and config', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-stack-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'text'), 'hello')
    await writeFile(
      join(folder, 'stack.yml'),
      `
version: "3.8"
services:
  probe:
    image: orrery-lab/web:good
    command: [sh, -c, "test -S /var/run/docker.sock && cat /run/secrets/s /c && ip -o address | grep eth0 && sleep 1000"]
    networks: [outside]
    volumes: [/var/run/docker.sock:/var/run/docker.sock]
    secrets: [s]
    configs: [{source: c, target: /c}]
networks: {outside: {external: true, name: host}}
secrets: {s: {file: ./text}}
configs: {c: {file: ./text}}
`,
    )
    for (const {
      managers: [manager],
    } of [lab, old]) {
      if (manager === undefined) throw new Error('no manager')
      onTestFinished(async () => void (await manager.docker('stack', 'rm', 'demo')))
      const deploy = ['docker', 'stack', 'deploy', '--resolve-image', 'never', '--compose-file', 'stack.yml', 'demo']
      const { code, stderr } = await manager.run(deploy, { cwd: folder })
      expect(code, stderr).toBe(0)
      await eventually('the probe runs', async () => (await tasks(manager, 'demo_probe', 'Running')).length === 1)
      await eventually('it saw all', async () => {
        const { stdout } = await manager.docker('service', 'logs', '--raw', 'demo_probe')
        return stdout.startsWith('hellohello') && stdout.includes(manager.address.replace(/\d+$/, ''))
      })
    }
  }, 180_000)
})

describe('a program inside a node', () => {
  it('sees the host name, the addresses and the files of this machine', async () => {
    const { stdout } = await first.run(['sh', '-c', 'hostname; ip -o -4 address show eth0; pwd; cat'], {
      input: 'typed',
      cwd: import.meta.dirname,
    })
    expect(stdout).toContain(first.hostname)
    expect(stdout).toContain(`${first.address}/24`)
    expect(stdout).toContain(import.meta.dirname)
    expect(stdout).toContain('typed')
  })

  it('gives its code, and is ended on time-out', async () => {
    expect((await first.run(['sh', '-c', 'echo no >&2; exit 7'])).code).toBe(7)
    expect((await first.run(['sleep', '61.25'], { timeoutMs: 200 })).code).toBe(124)
    expect((await first.run(['pgrep', '-fx', 'sleep 61.25'])).stdout).toBe('')
    await expect(first.run(['false'], { check: true })).rejects.toThrow(/exit 1/)
  })

  it('writes nothing outside /tmp and the checkout', async () => {
    await first.run(['sh', '-c', 'touch /etc/orrery-lab-trace /var/lib/orrery-lab-trace /usr/bin/orrery-lab-trace'])
    expect((await first.run(['ls', '/etc/orrery-lab-trace'])).code).toBe(0)
    expect((await second.run(['ls', '/etc/orrery-lab-trace'])).code).not.toBe(0)
    const outside = await execute('sh', ['-c', 'ls /etc/orrery-lab-trace /var/lib/orrery-lab-trace'], { check: false })
    expect(outside.stdout).toBe('')
  })

  it('goes on until it is told to end, and may be held meanwhile', async () => {
    const program = await first.spawn([
      'sh',
      '-c',
      'trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done',
    ])
    await eventually('it is up', async () => program.output() === 'up\n')
    program.kill('SIGSTOP')
    program.kill('SIGCONT')
    program.kill()
    expect(await program.exited).toEqual({ code: 5, signal: null })
    expect(program.output()).toBe('up\nbye\n')
  })
})

describe('a macvlan network over the second LAN', () => {
  it('gives each task an address that the LAN reaches', async () => {
    await removeLan() // of an earlier try
    onTestFinished(removeLan)
    await lab.run(['ip', 'address', 'replace', '172.80.0.1/16', 'dev', 'br1'], { check: true })
    for (const [index, node] of lab.nodes.entries()) {
      const range = ['--subnet=172.80.0.0/16', '--gateway=172.80.0.1', `--ip-range=172.80.${index + 1}.0/24`]
      const create = ['docker', 'network', 'create', '--config-only', ...range, '--opt=parent=eth1', 'lan-config']
      await node.run(create, { check: true })
    }
    await first.docker('network', 'create', '--driver=macvlan', '--scope=swarm', '--config-from=lan-config', 'lan')
    const how = ['--detach', '--no-resolve-image', '--endpoint-mode=dnsrr', '--network=lan', '--mode=global']
    await first.docker('service', 'create', ...how, '--name=lan', 'orrery-lab/web:good')
    await eventually('all run', async () => (await tasks(first, 'lan', 'Running')).length === 3)
    for (const [index, node] of lab.nodes.entries()) {
      const address = '{{(index .NetworkSettings.Networks "lan").IPAddress}}'
      const ours = await node.docker('ps', '--quiet', '--filter=name=lan.')
      const { stdout } = await node.docker('inspect', '--format', address, ours.stdout.trim())
      expect(stdout).toMatch(new RegExp(`^172\\.80\\.${index + 1}\\.`))
      const { url, close } = await lab.forward(80, stdout.trim())
      expect(await fetch(url).then((answer) => answer.text())).toBe('orrery-lab/web\n')
      await close()
    }
  }, 240_000)
})

/** Swarm removes a network once the last of its tasks is gone. */
async function removeLan() {
  await first.docker('service', 'rm', 'lan')
  const networks = async (node: LabNode) => {
    await node.docker('network', 'rm', 'lan')
    await node.docker('network', 'rm', 'lan-config')
    return (await node.docker('network', 'ls', '--quiet', '--filter=name=^lan')).stdout
  }
  await eventually(
    'no network is left',
    async () => (await Promise.all(lab.nodes.map(networks))).every((left) => left === ''),
    { timeoutMs: 60_000, everyMs: 250 },
  )
}

describe('images', () => {
  it('are built without network from stages made here, and shared, on either engine', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-build-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(
      join(folder, 'Dockerfile'),
      `
ARG NODE_IMAGE=node:20-bookworm-slim
ARG BUILD_STAGE=build
FROM \${NODE_IMAGE} AS build
RUN npm ci
FROM \${BUILD_STAGE} AS built
FROM \${NODE_IMAGE}
COPY --from=built /app /app
CMD ["node", "/app/dist/main.js"]
`,
    )
    await writeFile(join(folder, 'main.js'), 'console.log("made of", process.version)')
    await lab.loadImage('orrery-lab/node')
    for (const {
      nodes: [builder, other],
    } of [lab, old]) {
      if (builder === undefined || other === undefined) throw new Error('two nodes, please')
      await loadFolders(builder, 'made-here', { '/app/dist': folder })
      const buildArgs = { NODE_IMAGE: 'orrery-lab/node', BUILD_STAGE: 'made-here' }
      await buildImage(builder, { folder, tag: 'product:1', buildArgs })
      await shareImage(builder, [other], 'product:1')
      const { stdout, stderr } = await other.docker('run', '--rm', '--network=none', 'product:1')
      expect(stdout, stderr).toBe(`made of ${process.version}\n`)
    }
  }, 480_000)
})

// The faults mostly wait for Swarm: labs of their own come and go meanwhile, one after another.
sideBySide('faults', () => {
  beforeEach(async () => {
    await lab.mend()
    await runWeb()
  }, 300_000)

  it('a frozen engine takes connections and answers nothing; its containers go on', async () => {
    await second.freeze()
    try {
      expect(second.engineState()).toBe('frozen')
      expect((await second.run(['docker', 'version'], { timeoutMs: 1_000 })).code).toBe(124)
      const { url, close } = await second.forward(8080)
      expect(await fetch(url).then((answer) => answer.status)).toBe(200)
      await close()
      const label = `a=${Date.now()}`
      expect((await first.docker('service', 'update', '--detach', '--label-add', label, 'web')).code).toBe(0)
    } finally {
      await second.thaw()
    }
    await lab.ready()
    expect(second.engineState()).toBe('running')
  }, 180_000)

  it('a cut node is down for the others, and without a leader for itself', async () => {
    await third.cut()
    try {
      await eventually('down', async () => (await nodeState(first, third)) === 'down', { timeoutMs: 120_000 })
      // It waits for a leader, or says that there is none.
      expect((await third.run(['docker', 'node', 'ls'], { timeoutMs: 3_000 })).code).not.toBe(0)
    } finally {
      await third.heal()
    }
    await lab.ready()
    for (const asked of lab.managers) expect(await nodeState(asked, third)).toBe('ready')
  }, 300_000)

  it('a stopped engine stops its containers; a restarted one gets tasks again', async () => {
    await second.stop()
    expect(second.engineState()).toBe('stopped')
    await expect(second.api.ping()).rejects.toThrow()
    await second.start()
    await second.restart()
    await lab.ready()
    await runWeb()
  }, 480_000)

  it('a killed engine leaves its containers running; the next start replaces them', async () => {
    const busy = (
      await Promise.all(lab.nodes.map(async (node) => ((await containers(node)).length > 0 ? node : [])))
    ).flat()
    const victim = busy.find((node) => node !== first) as LabNode
    const before = await containers(victim)
    await victim.kill()
    expect(victim.engineState()).toBe('stopped')
    // The packet filter's rules stay; the proxy for the node's own loopback goes with the engine.
    const { url, close } = await victim.forward(8080, victim.address)
    expect(await fetch(url).then((answer) => answer.status)).toBe(200)
    await close()
    await victim.start()
    await lab.ready()
    await runWeb()
    expect(before.length).toBeGreaterThan(0)
    expect((await containers(victim)).filter((id) => before.includes(id))).toEqual([])
  }, 360_000)

  it('are mended, whatever they are', async () => {
    await Promise.all([first.cut(), second.freeze(), third.kill()])
    await lab.mend()
    expect(lab.nodes.map((node) => node.engineState())).toEqual(['running', 'running', 'running'])
    for (const asked of lab.managers) expect(await nodeState(asked, first)).toBe('ready')
  }, 240_000)
})
sideBySide('labs of their own', () => {
  describe('the end of a lab', () => {
    it('is complete, whatever still runs, is frozen or is stopped in it', async (context) => {
      const name = passing(context, 'ends')
      const ending = await startLab({ name, nodes: 2, managers: 1 })
      const [manager, worker] = ending.nodes as [LabNode, LabNode]
      await createWeb(manager, 'web', 8080, '--mode', 'global', 'orrery-lab/web:good')
      await eventually('it runs', async () => (await tasks(manager, 'web', 'Running')).length === 2)
      const held = await worker.spawn(['sleep', '1000'])
      held.kill('SIGSTOP')
      await worker.freeze()
      await manager.kill()
      const record = await readRecord(name)
      if (record === undefined) throw new Error('no record')
      const namespaces = namespacesOf(record)
      expect(namespaces.size).toBe(3 + 2 * 5)
      expect((await tracesOf(name, namespaces)).length).toBeGreaterThan(10)
      await ending.down()
      expect(await tracesOf(name, namespaces)).toEqual([])
      await ending.down() // again: nothing to do
    })

    it.for(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)('comes when its owner ends by %s', async (signal, context) => {
      const name = passing(context, `owned-${signal.toLowerCase()}`)
      const fixture = join(import.meta.dirname, '../fixtures/hold-lab.ts')
      const owner = spawn(process.execPath, [...tsx, fixture, name], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(owner.stdout, 'data')
      const record = await readRecord(name)
      if (record === undefined) throw new Error('no record')
      const namespaces = namespacesOf(record)
      expect(await labNames()).toContain(name)
      owner.kill(signal)
      await eventually('nothing is left', async () => (await tracesOf(name, namespaces)).length === 0)
    })

    it('comes when its owner is killed while it starts', async (context) => {
      const name = passing(context, 'half')
      const fixture = join(import.meta.dirname, '../fixtures/hold-lab.ts')
      const owner = spawn(process.execPath, [...tsx, fixture, name], { stdio: ['ignore', 'ignore', 'inherit'] })
      await eventually('it starts', async () => (await labNames()).includes(name), { everyMs: 5 })
      owner.kill('SIGKILL')
      await eventually('nothing is left', async () => (await tracesOf(name, new Set())).length === 0)
    })

    it('is cleared up by the next start when even its keeper was killed', async (context) => {
      const name = passing(context, 'orphan')
      const orphan = await startLab({ name, nodes: 1 })
      const record = await readRecord(name)
      if (record === undefined) throw new Error('no record')
      const namespaces = namespacesOf(record)
      const { stdout } = await execute('cut', ['-d', ' ', '-f1', `/run/orrery-lab/${name}/keeper`])
      process.kill(Number(stdout), 'SIGKILL')
      await eventually('its processes end', async () =>
        (await tracesOf(name, namespaces)).every((trace) => !trace.startsWith('process')),
      )
      await (await startLab({ name: passing(context, 'next'), nodes: 1, images: [] })).down()
      expect(await tracesOf(name, namespaces)).toEqual([])
      await orphan.down()
    })
  })

  describe('npm run lab', () => {
    const run = (...args: string[]) => execute(process.execPath, [...tsx, command, ...args], { check: false })

    it('starts a lab that outlives the command, shows it, runs a program in it and takes it down', async (context) => {
      const name = passing(context, 'shown')
      const up = await run('up', '--name', name, '--nodes', '2', '--managers', '1', '--json')
      expect(up.code, up.stderr).toBe(0)
      const record = JSON.parse(up.stdout)
      expect(record).toMatchObject({ name, nodes: [{ role: 'manager' }, { role: 'worker' }] })
      const namespaces = namespacesOf(record)
      expect((await run('up', '--name', name)).stderr).toContain('is up')
      expect((await run('status')).stdout).toContain(`${name}-2`)
      const [shown] = JSON.parse((await run('status', name, '--json')).stdout)
      expect(shown.nodes[1]).toMatchObject({ hostname: `${name}-2`, engineState: 'running' })
      const inside = await run('exec', `${name}-1`, 'docker', 'node', 'ls')
      expect(inside.stdout).toContain(`${name}-2`)
      expect((await run('exec', `${name}-1`, 'sh', '-c', 'exit 9')).code).toBe(9)
      expect((await run('down', name)).stdout).toContain(`${name} is down`)
      expect(await tracesOf(name, namespaces)).toEqual([])
    })

    it('says what is wrong, with code 1, and 2 for a wrong call', async () => {
      for (const [args, code, words] of [
        [['up', '--nodes', '6'], 1, '1 to 5'],
        [['up', '--nodes', '2', '--managers', '3'], 1, '1 to 2'],
        [['up', '--name', 'A b'], 1, 'lab name'],
        [['down', 'nobody'], 1, 'no lab named "nobody"'],
        [['exec', 'nobody-1', 'true'], 1, 'no node'],
        [['up', '--engine', 'older'], 2, 'new, old'],
        [['upp'], 2, 'unknown command'],
      ] as const) {
        const result = await run(...args)
        expect(result.stderr).toContain(words)
        expect(result.code).toBe(code)
      }
    })
  })
})
