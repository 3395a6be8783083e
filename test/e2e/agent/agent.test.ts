/**
 * The agent alone, as a process on a manager and on a worker, with a controller that the test has in its hands: what it makes
 * on a host, how it keeps that, and what it leaves alone. What is looked at is the kernel's and the engine's own word.
 */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NodeReport } from '../../../src/swarm/node-report.ts'
import type { WantedNetwork } from '../../../src/swarm/wanted.ts'
import type { InsideProcess } from '../../lab/inside.ts'
import type { LabNode } from '../../lab/lab.ts'
import { wantedNetwork } from '../../support/builders/networks.ts'
import { mainFile } from '../support/controller.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { engineNetwork } from '../support/observed-networks.ts'
import { eventually } from '../support/services.ts'
import { enginesSideBySide } from '../support/side-by-side.ts'
import { LAN } from '../support/vlan40.ts'

const scriptedController = join(import.meta.dirname, '../fixtures/scripted-controller.mjs')
/** A look takes milliseconds and comes every 5 s; ten times that is a fault. */
const PATIENCE = { timeoutMs: 50_000 }

/** `share`: the third number of the node's range. */
const vlan40 = (share: number, over: Partial<WantedNetwork> = {}): WantedNetwork =>
  wantedNetwork({
    ipv4: {
      subnet: LAN.subnet,
      gateway: LAN.gateway,
      range: `172.80.${share}.0/24`,
      aux: {
        'orrery-first': `172.80.${share}.0`,
        'orrery-shim': `172.80.${share}.254`,
        'orrery-last': `172.80.${share}.255`,
      },
      shim: `172.80.${share}.254`,
    },
    ...over,
  })

interface LinkSeen {
  readonly ifindex: number
  readonly ifname: string
  readonly flags: readonly string[]
  readonly ifalias?: string
  readonly link?: string
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[]
}

const links = async (node: LabNode): Promise<LinkSeen[]> =>
  JSON.parse((await node.run(['ip', '-json', '-details', 'address', 'show'], { check: true })).stdout)
const linkOf = async (node: LabNode, name: string) => (await links(node)).find(({ ifname }) => ifname === name)
const isPromiscuous = async (node: LabNode) => (await linkOf(node, 'eth1'))?.flags.includes('PROMISC') === true
const routes = async (node: LabNode): Promise<{ dst: string; dev?: string; prefsrc?: string }[]> =>
  JSON.parse((await node.run(['ip', '-json', 'route', 'show'], { check: true })).stdout)
const routeTo = async (node: LabNode, destination: string) =>
  (await routes(node)).find(({ dst }) => dst === destination)

enginesSideBySide('the agent beside an engine %s', (engine) => {
  const place = labForTests({
    nodes: 2,
    managers: 1,
    engine,
    lan: { ...LAN, hostAddresses: true },
    images: ['orrery-lab/web'],
  })
  const worker = () => present(place.lab.workers[0])
  let folder: string
  let controller: InsideProcess | undefined
  let revision = 100
  /** What was last wanted of each node, by host name, and its revision. */
  const given = new Map<string, { readonly text: string; readonly revision: number }>()
  const agents = new Map<LabNode, InsideProcess>()
  const shareOf = (node: LabNode) => (node.role === 'manager' ? 1 : 2)

  const startController = async () => {
    controller = await place.manager.spawn([process.execPath, scriptedController, folder])
  }
  const startedAtMs = new Map<LabNode, number>()
  const startAgent = async (node: LabNode) => {
    startedAtMs.set(node, Date.now())
    const env = { LOG_LEVEL: 'debug', ORRERY_CONTROLLERS: `http://${place.manager.address}:8000` }
    agents.set(node, await node.spawn([process.execPath, mainFile, 'agent'], { env }))
  }
  const endAgent = async (node: LabNode, signal: NodeJS.Signals) => {
    const agent = present(agents.get(node))
    agent.kill(signal)
    agents.delete(node)
    return await agent.exited
  }
  const want = async (node: LabNode, networks: readonly WantedNetwork[], nodeId = node.nodeId) => {
    const text = JSON.stringify({ nodeId, networks })
    // The same again would cost a round of reports.
    if (given.get(node.hostname)?.text === text) return
    revision += 1
    given.set(node.hostname, { text, revision })
    const file = join(folder, `wanted-${node.nodeId}.json`)
    await writeFile(`${file}.new`, JSON.stringify({ v: 1, nodeId, revision, networks }))
    await rename(`${file}.new`, file)
  }
  /** The newest report is of the agent that runs now, and it knows what is wanted. */
  const isGiven = async (node: LabNode) => {
    const heard = await report(node)
    const isNew = (heard?.startedAtMs ?? 0) >= (startedAtMs.get(node) ?? 0)
    return isNew && heard?.revision === given.get(node.hostname)?.revision
  }
  /** And the agent is started anew: then it asks at once, not in some seconds. */
  const wantNow = async (node: LabNode, networks: readonly WantedNetwork[]) => {
    const before = given.get(node.hostname)
    await want(node, networks)
    if (given.get(node.hostname) === before) return
    if (agents.has(node)) await endAgent(node, 'SIGTERM')
    await startAgent(node)
  }
  const report = async (node: LabNode): Promise<NodeReport | undefined> => {
    const text = await readFile(join(folder, `report-${node.nodeId}.json`), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : JSON.parse(text)
  }
  const standing = async (node: LabNode) => (await report(node))?.standings.find(({ name }) => name === 'vlan40')
  /** The agent has looked since the last `want`, and found everything in place. */
  const asWanted = (node: LabNode) =>
    eventually(
      'the node is as wanted',
      async () => (await isGiven(node)) && (await standing(node))?.isAsWanted,
      PATIENCE,
    )
  const fault = (node: LabNode, code: string) =>
    eventually(
      `the fault ${code}`,
      async () => (await standing(node))?.faults.find((one) => one.code === code),
      PATIENCE,
    )

  /** Everything that the agent makes for the network, by the kernel's and the engine's word. */
  const expectMade = async (node: LabNode) => {
    const share = shareOf(node)
    const shim = await linkOf(node, 'shim-vlan40')
    expect(shim).toMatchObject({ ifalias: 'orrery vlan40', link: 'eth1' })
    expect(shim?.flags).toContain('UP')
    const addresses = shim?.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    expect(addresses).toEqual([`172.80.${share}.254/32`])
    const route = await routeTo(node, `172.80.${share}.0/24`)
    expect(route).toMatchObject({ dev: 'shim-vlan40', prefsrc: `172.80.${share}.254` })
    expect(await isPromiscuous(node)).toBe(true)
    expect(await engineNetwork(node, 'vlan40_config')).toMatchObject({
      ConfigOnly: true,
      Labels: { 'orrery.network': 'vlan40' },
      Options: { parent: 'eth1', macvlan_mode: 'bridge' },
      IPAM: {
        Config: [
          {
            Subnet: '172.80.0.0/16',
            IPRange: `172.80.${share}.0/24`,
            Gateway: '172.80.0.1',
            AuxiliaryAddresses: vlan40(share).ipv4.aux,
          },
        ],
      },
    })
  }

  const untilMade = async (node: LabNode) => {
    const isMade = async () =>
      await expectMade(node).then(
        () => true,
        () => false,
      )
    await eventually('it is back', isMade, PATIENCE).catch(() => undefined)
    await expectMade(node)
  }

  /** Both nodes as wanted, whatever an earlier test, or an earlier try of this one, left behind. */
  const inPlace = async () => {
    const mend = async (node: LabNode) => {
      if (node.engineState() !== 'running') await node.start()
      if (!agents.has(node)) await startAgent(node)
      // Where a test failed while it was stopped.
      agents.get(node)?.kill('SIGCONT')
      await node.docker('rm', '--force', 'one', 'two')
      await wantNow(node, [vlan40(shareOf(node))])
      await asWanted(node)
    }
    await Promise.all(place.lab.nodes.map(mend))
  }
  const removeSwarmNetwork = async () => {
    await eventually(
      'the swarm network is gone',
      async () => {
        await place.manager.docker('network', 'rm', 'vlan40')
        return (await engineNetwork(place.manager, 'vlan40')) === undefined
      },
      PATIENCE,
    )
  }
  const createSwarmNetwork = async () => {
    if ((await engineNetwork(place.manager, 'vlan40')) !== undefined) return
    const made = await place.manager.docker(
      ...['network', 'create', '--driver', 'macvlan', '--scope', 'swarm', '--attachable'],
      ...['--config-from', 'vlan40_config', 'vlan40'],
    )
    expect(made.stderr).toBe('')
  }
  const runContainer = async (node: LabNode, name: string) => {
    const run = ['run', '--detach', '--name', name, '--network', 'vlan40', 'orrery-lab/web:good']
    await eventually('a container runs', async () => {
      const started = await node.docker(...run)
      if (started.code !== 0) await node.docker('rm', '--force', name)
      return started.code === 0
    })
  }
  const addressOf = async (node: LabNode, name: string): Promise<string> => {
    const { NetworkSettings } = await node.api.getContainer(name).inspect()
    return NetworkSettings.Networks.vlan40?.IPAddress ?? ''
  }
  /** What the web server in a container answers to a program on the host. */
  const fetched = async (node: LabNode, address: string) => {
    const script = `fetch('http://${address}/', { signal: AbortSignal.timeout(3000) }).then(async (a) => console.log(await a.text()))`
    return (await node.run([process.execPath, '--eval', script])).stdout.trim()
  }
  const pings = async (node: LabNode, name: string, address: string) =>
    (await node.docker('exec', name, 'ping', '-c', '1', '-W', '3', address)).code === 0

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-agent-e2e-'))
    await startController()
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  describe('with a network that is wanted', () => {
    beforeEach(async () => await inPlace())

    it('makes config-only network, promiscuous parent, shim and route, on a manager and on a worker', async () => {
      for (const node of place.lab.nodes) {
        await expectMade(node)
        expect(await standing(node)).toMatchObject({
          parent: { name: 'eth1', isUp: true, isPromiscuous: true, isOurs: false },
          shim: { name: 'shim-vlan40', isUp: true, isOurs: true },
          attached: 0,
        })
        expect(await report(node)).toMatchObject({ nodeId: node.nodeId, hostname: node.hostname, faults: [] })
      }
    })

    /** Some seconds pass in the first, in which the second one's task is measured. */
    describe('beside a task of Swarm', () => {
      beforeAll(async () => {
        await inPlace()
        const how = ['--detach', '--no-resolve-image', '--endpoint-mode=dnsrr', '--network=host', '--mode=global']
        await place.manager.docker('service', 'rm', 'busy')
        await place.manager.docker(
          ...['service', 'create', ...how, '--name', 'busy', 'orrery-lab/web:good', 'sleep', '1000'],
        )
      })
      afterAll(async () => {
        await place.manager.docker('service', 'rm', 'busy')
      })

      const kinds = {
        'config-only network, shim and promiscuity': [
          ['docker', 'network', 'rm', 'vlan40_config'],
          ['ip', 'link', 'delete', 'shim-vlan40'],
          ['ip', 'link', 'set', 'eth1', 'promisc', 'off'],
        ],
        'the address of the shim': [['ip', 'address', 'flush', 'dev', 'shim-vlan40']],
        'its route': [['ip', 'route', 'flush', 'dev', 'shim-vlan40']],
      }
      // Links are the kernel's, whatever the engine is: one of them on each node, at one look.
      it.each<Readonly<Record<LabNode['role'], keyof typeof kinds>>>([
        {
          manager: 'config-only network, shim and promiscuity',
          worker: 'config-only network, shim and promiscuity',
        },
        { manager: 'the address of the shim', worker: 'its route' },
      ])('mends what somebody took away: on a manager $manager, on a worker $worker', async (spoilt) => {
        await removeSwarmNetwork()
        for (const node of place.lab.nodes) {
          for (const program of kinds[spoilt[node.role]]) await node.run(program, { check: true })
        }
        for (const node of place.lab.nodes) await untilMade(node)
      })

      it('reports tasks of Swarm with whose they are and what they use', async () => {
        const task = await eventually(
          'its use is measured',
          async () => {
            const found = (await report(worker()))?.containers.find(({ serviceName }) => serviceName === 'busy')
            return found?.memoryBytes === undefined ? undefined : found
          },
          { timeoutMs: 100_000 },
        )
        expect(task).toMatchObject({ state: 'running', memoryBytes: expect.any(Number), addresses: [] })
        expect(task.name).toBe(task.taskName)
      })
    })

    it('lets a host and its own containers reach each other, and the LAN as before', async () => {
      await createSwarmNetwork()
      for (const node of place.lab.nodes) await runContainer(node, 'one')
      const containers = await Promise.all(place.lab.nodes.map((node) => addressOf(node, 'one')))
      for (const node of place.lab.nodes) {
        // Its own by the shim, the other by the LAN.
        for (const address of containers) expect(await fetched(node, address)).toBe('orrery-lab/web')
        const host = (await linkOf(node, 'eth1'))?.addr_info.find(({ scope }) => scope === 'global')?.local ?? ''
        const shim = `172.80.${shareOf(node)}.254`
        for (const address of [shim, host, ...containers, '172.80.0.1']) {
          expect(await pings(node, 'one', address), `${node.hostname}: a container pings ${address}`).toBe(true)
        }
        expect(await routeTo(node, '172.80.0.0/16')).toMatchObject({ dev: 'eth1', prefsrc: host })
      }
    })

    it('reports a container with its address at once, and at once that it is gone', async () => {
      await createSwarmNetwork()
      const seen = async () => (await report(worker()))?.containers.find(({ name }) => name === 'two')
      await runContainer(worker(), 'two')
      const startedAtMs = Date.now()
      const held = await eventually('the address is reported', async () => (await seen())?.addresses[0]?.address)
      expect(held).toBe(await addressOf(worker(), 'two'))
      expect(await standing(worker())).toMatchObject({ attached: 1 })
      const tookMs = Date.now() - startedAtMs
      await worker().docker('rm', '--force', 'two')
      await eventually('it is gone from the report', async () => (await seen()) === undefined)
      console.log(`engine ${engine}: a started container was in the report after ${tookMs} ms`)
      expect(tookMs).toBeLessThan(20_000)
    })

    it('leaves everything in place when it is killed, and as it is when it is back', async () => {
      const identity = async () => [
        (await linkOf(worker(), 'shim-vlan40'))?.ifindex,
        (await engineNetwork(worker(), 'vlan40_config'))?.Id,
      ]
      const before = await identity()
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        const { code } = await endAgent(worker(), signal)
        if (signal === 'SIGTERM') expect(code).toBe(0)
        await expectMade(worker())
        await startAgent(worker())
        await asWanted(worker())
        expect(await identity()).toEqual(before)
        expect((await standing(worker()))?.mended).toEqual([])
      }
    })

    it('builds everything again without any controller, as after a reboot', async () => {
      present(controller).kill('SIGKILL')
      try {
        await endAgent(worker(), 'SIGKILL')
        await worker().run(['ip', 'link', 'delete', 'shim-vlan40'])
        await worker().run(['ip', 'link', 'set', 'eth1', 'promisc', 'off'])
        await startAgent(worker())
        await untilMade(worker())
      } finally {
        await startController()
      }
    })

    it('goes on when its engine is away and back, and says so meanwhile', async () => {
      await worker().kill()
      await eventually(
        'the fault is reported',
        async () => (await report(worker()))?.faults.some(({ code }) => code === 'engine-away'),
        PATIENCE,
      )
      expect(await standing(worker())).toMatchObject({ isAsWanted: false, faults: [{ code: 'engine-away' }] })
      // Nothing is thought gone that only cannot be seen.
      expect((await report(worker()))?.networks.map(({ name }) => name)).toContain('vlan40_config')
      await worker().start()
      await worker().docker('network', 'rm', 'vlan40_config')
      await untilMade(worker())
      await eventually('it is as wanted again', async () => (await standing(worker()))?.isAsWanted, PATIENCE)
      expect((await report(worker()))?.faults).toEqual([])
    })

    it('answers whether it is alive, also where a controller is on the same host', async () => {
      const alive = async (...options: string[]) =>
        (await worker().run([process.execPath, mainFile, 'alive', ...options])).code
      expect(await alive()).toBe(0)
      expect(await alive('--agent')).toBe(0)
      present(agents.get(worker())).kill('SIGSTOP')
      expect(await alive('--agent')).toBe(1)
      present(agents.get(worker())).kill('SIGCONT')
      await eventually('it goes on', async () => (await alive('--agent')) === 0)
      await endAgent(worker(), 'SIGKILL')
      expect(await alive('--agent')).toBe(1)
    })

    it('has less than 100 MB in memory', async () => {
      const { pid } = present(agents.get(worker()))
      const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
      console.log(`engine ${engine}: the agent has ${Math.round(Number(kilobytes) / 1000)} MB resident`)
      expect(Number(kilobytes)).toBeLessThan(100_000)
    })
  })

  describe('with a network that is to go', () => {
    beforeEach(async () => await inPlace())

    it('takes away what it made, and nothing else, once no container is attached', async () => {
      await createSwarmNetwork()
      await runContainer(worker(), 'one')
      await want(worker(), [vlan40(2, { presence: 'absent' })])
      expect((await fault(worker(), 'in-use')).message).toContain('1 container has an address')
      await expectMade(worker())
      await worker().docker('rm', '--force', 'one')
      await asWanted(worker())
      expect(await linkOf(worker(), 'shim-vlan40')).toBeUndefined()
      expect(await engineNetwork(worker(), 'vlan40_config')).toBeUndefined()
      expect(await routeTo(worker(), '172.80.2.0/24')).toBeUndefined()
      expect(await isPromiscuous(worker())).toBe(false)
      expect((await linkOf(worker(), 'eth1'))?.flags).toContain('UP')
      // The other node's part is nobody's business here.
      await expectMade(place.manager)
    })

    it('touches nothing when nothing is said of it any more, nor on the word of what is wanted of another node', async () => {
      await want(worker(), [])
      await want(place.manager, [vlan40(1, { presence: 'absent' })], 'another-node')
      await eventually('that is known', async () => await isGiven(worker()), PATIENCE)
      await sleep(6_000)
      await expectMade(worker())
      await expectMade(place.manager)
    })
  })

  describe('where something is in the way', () => {
    const nothingOfOurs = async () => {
      await removeSwarmNetwork()
      const remove = async (node: LabNode) => {
        await wantNow(node, [vlan40(shareOf(node), { presence: 'absent' })])
        await asWanted(node)
      }
      await Promise.all(place.lab.nodes.map(remove))
    }
    beforeEach(async () => {
      for (const node of place.lab.nodes) await node.docker('rm', '--force', 'one', 'two')
      await nothingOfOurs()
    })
    const expectUntouched = async () => {
      expect(await linkOf(worker(), 'shim-vlan40')).toBeUndefined()
      expect(await isPromiscuous(worker())).toBe(false)
    }

    it('refuses a foreign network of the same name, and leaves it', async () => {
      const foreign = ['--subnet', '172.80.0.0/16', '--ip-range', '172.80.9.0/24', '-o', 'parent=eth1', 'vlan40_config']
      try {
        await worker().docker('network', 'create', '--config-only', ...foreign)
        const before = await engineNetwork(worker(), 'vlan40_config')
        await wantNow(worker(), [vlan40(2)])
        expect((await fault(worker(), 'network-foreign')).message).toContain('orrery network adopt vlan40')
        await expectUntouched()
        await wantNow(worker(), [vlan40(2, { presence: 'absent' })])
        await asWanted(worker())
        expect(await engineNetwork(worker(), 'vlan40_config')).toEqual(before)
      } finally {
        await worker().docker('network', 'rm', 'vlan40_config')
      }
    })

    it('gives both families to containers and to the shim, and they reach each other', async () => {
      // Engines of the 20.10 series can have no range of 2^64 addresses, and in a subnet larger than that they give
      // addresses from outside of the range.
      const ipv6 = (share: number) => ({
        subnet: 'fd00:40::/64',
        gateway: 'fd00:40::1',
        range: `fd00:40:0:0:${share}::/80`,
        aux: { 'orrery-shim': `fd00:40::${share}:0:0:fe` },
        shim: `fd00:40::${share}:0:0:fe`,
      })
      const both = async (node: LabNode) => {
        await wantNow(node, [vlan40(shareOf(node), { ipv6: ipv6(shareOf(node)) })])
        await asWanted(node)
      }
      await Promise.all(place.lab.nodes.map(both))
      await createSwarmNetwork()
      await runContainer(worker(), 'one')
      const { NetworkSettings } = await worker().api.getContainer('one').inspect()
      const address = NetworkSettings.Networks.vlan40?.GlobalIPv6Address ?? ''
      expect(address).toMatch(/^fd00:40:0:0:2:/)
      expect(await pings(worker(), 'one', 'fd00:40::2:0:0:fe')).toBe(true)
      const shim = await linkOf(worker(), 'shim-vlan40')
      expect(shim?.addr_info.map(({ local }) => local)).toEqual(['172.80.2.254', 'fd00:40::2:0:0:fe'])
      const routed = JSON.parse((await worker().run(['ip', '-json', 'route', 'get', address])).stdout)
      expect(routed).toMatchObject([{ dev: 'shim-vlan40', prefsrc: 'fd00:40::2:0:0:fe' }])
      const held = await eventually(
        'it is reported',
        async () => (await report(worker()))?.containers.find(({ name }) => name === 'one')?.addresses[0]?.address6,
      )
      expect(held).toBe(address)
      await worker().docker('rm', '--force', 'one')
    })

    it('takes over one that was adopted, and removes it when it goes', async () => {
      const wanted = vlan40(2, { isAdopted: true })
      const byHand = Object.entries(wanted.ipv4.aux).flatMap(([, address], index) => [
        '--aux-address',
        `x${index}=${address}`,
      ])
      const like = ['--subnet', '172.80.0.0/16', '--gateway', '172.80.0.1', '--ip-range', '172.80.2.0/24', ...byHand]
      await worker().docker('network', 'create', '--config-only', ...like, '-o', 'parent=eth1', 'vlan40_config')
      const before = await engineNetwork(worker(), 'vlan40_config')
      await wantNow(worker(), [wanted])
      await asWanted(worker())
      expect(await engineNetwork(worker(), 'vlan40_config')).toEqual(before)
      await wantNow(worker(), [{ ...wanted, presence: 'absent' }])
      await asWanted(worker())
      expect(await engineNetwork(worker(), 'vlan40_config')).toBeUndefined()
    })

    it('makes its own anew only with leave, and only when nothing is attached', async () => {
      await Promise.all(place.lab.nodes.map(async (node) => await wantNow(node, [vlan40(shareOf(node))])))
      await asWanted(place.manager)
      await createSwarmNetwork()
      await eventually('the worker is as wanted', async () => (await standing(worker()))?.isAsWanted, PATIENCE)
      await runContainer(worker(), 'one')
      await wantNow(worker(), [vlan40(3)])
      expect((await fault(worker(), 'network-different')).message).toContain(
        'range is 172.80.2.0/24 and should be 172.80.3.0/24',
      )
      await wantNow(worker(), [vlan40(3, { mayRecreate: true })])
      await fault(worker(), 'in-use')
      await expectMade(worker())
      await worker().docker('rm', '--force', 'one')
      await asWanted(worker())
      expect(await engineNetwork(worker(), 'vlan40_config')).toMatchObject({
        IPAM: { Config: [{ IPRange: '172.80.3.0/24' }] },
      })
      expect((await linkOf(worker(), 'shim-vlan40'))?.addr_info.map(({ local }) => local)).toEqual(['172.80.3.254'])
      expect(await routeTo(worker(), '172.80.3.0/24')).toMatchObject({ prefsrc: '172.80.3.254' })
      expect(await routeTo(worker(), '172.80.2.0/24')).toBeUndefined()
    })

    it('refuses a second network of the subnet', async () => {
      try {
        const other = ['--driver', 'macvlan', '--subnet', '172.80.0.0/16', '-o', 'parent=eth1', 'other']
        await worker().docker('network', 'create', ...other)
        await wantNow(worker(), [vlan40(2)])
        expect((await fault(worker(), 'subnet-taken')).message).toContain('docker network rm other')
        await expectUntouched()
      } finally {
        await worker().docker('network', 'rm', 'other')
      }
    })

    it.each([
      { name: 'a parent that is not there', wanted: { parent: 'bond7' }, code: 'parent-missing', says: 'eth0, eth1' },
      {
        name: 'a name too long for a link',
        wanted: { parent: 'enp0s31f6d1.4001' },
        code: 'parent-name-too-long',
        says: '15',
      },
      { name: 'no such VLAN', wanted: { parent: 'eth1.5000' }, code: 'vlan-impossible', says: '1 to 4094' },
    ])('says what is wrong and touches nothing: $name', async ({ wanted, code, says }) => {
      await wantNow(worker(), [vlan40(2, wanted)])
      expect((await fault(worker(), code)).message).toContain(says)
      await expectUntouched()
      expect(await engineNetwork(worker(), 'vlan40_config')).toBeUndefined()
    })

    it('finds the parent by the subnet, and says so when there is none', async () => {
      await wantNow(worker(), [vlan40(2, { parent: 'auto' })])
      await asWanted(worker())
      expect(await standing(worker())).toMatchObject({ parent: { name: 'eth1' } })
      await wantNow(worker(), [vlan40(2, { presence: 'absent', parent: 'auto' })])
      await asWanted(worker())
      const elsewhere = { subnet: '172.90.0.0/16', range: '172.90.2.0/24', aux: {} }
      await wantNow(worker(), [vlan40(2, { parent: 'auto', ipv4: elsewhere })])
      expect((await fault(worker(), 'parent-not-found')).message).toContain('172.90.0.0/16')
    })

    it('makes a VLAN link and removes it, or says that this kernel cannot', async () => {
      await wantNow(worker(), [vlan40(2, { parent: 'eth1.40' })])
      const seen = await eventually(
        'a VLAN link or a fault',
        async () => (await linkOf(worker(), 'eth1.40')) ?? (await standing(worker()))?.faults[0],
        PATIENCE,
      )
      if ('code' in seen) {
        expect(seen).toMatchObject({ code: 'vlan-impossible', message: expect.stringContaining('8021q') })
        await expectUntouched()
        return
      }
      await asWanted(worker())
      expect(await linkOf(worker(), 'eth1.40')).toMatchObject({ ifalias: 'orrery vlan40', link: 'eth1' })
      await wantNow(worker(), [vlan40(2, { parent: 'eth1.40', presence: 'absent' })])
      await asWanted(worker())
      expect(await linkOf(worker(), 'eth1.40')).toBeUndefined()
    })
  })
})
