/** What others have on a LAN or an engine, and what each engine makes of it: told before a task meets it, and what mends it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WireNetwork } from '../../../src/http/wire/network.ts'
import { attachedTo } from '../../demo/ping-table.ts'
import type { LabNode } from '../../lab/lab.ts'
import { engines } from '../support/engines.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab } from '../support/networked.ts'
import { engineNetwork, isReady, ranges, runningTasks, untilReady } from '../support/observed-networks.ts'
import { eventually, removeService } from '../support/services.ts'
import { DEFINITION, LAN, NETWORK } from '../support/vlan40.ts'
import { liveOn, randomLans } from './support/random-lan.ts'

describe.each(engines)('the LANs of others, with an engine %s', (engine) => {
  const place = labForTests({ engine, nodes: 2, managers: 1, lan: LAN, images: ['orrery-lab/web'] })
  let networked: Networked
  let controller: NodeController
  const worker = () => present(place.lab.workers[0])

  beforeAll(async () => {
    networked = await networkedLab(place.lab)
    controller = await networked.startController(place.manager, { ORRERY_NETWORK_AUTO: 'true' })
    for (const node of place.lab.nodes) await networked.startAgent(node)
  })
  afterAll(async () => await networked?.close())

  const docker = async (node: LabNode, ...args: string[]) => {
    const { code, stdout, stderr } = await node.docker(...args)
    expect(code, `docker ${args.join(' ')}: ${stderr}`).toBe(0)
    return stdout.trim()
  }
  const ip = async (node: LabNode, ...args: string[]) => await node.run(['ip', ...args], { check: true })
  const says = async (...args: string[]) => {
    const { stdout, stderr } = await networked.orrery(place.manager, ['network', ...args])
    return `${stdout}${stderr}`.replace(/\s+/g, ' ')
  }
  const untilSaid = async (command: string, words: readonly string[]) => {
    let said = ''
    const all = async () => {
      said = await says(command)
      return words.every((word) => said.includes(word))
    }
    await eventually(`network ${command} says ${words.join(', ')}`, all, { timeoutMs: 60_000 }).catch((cause) => {
      throw new Error(`it says: ${said}`, { cause })
    })
  }
  const shown = async (name: string = NETWORK) =>
    (await controller.call<WireNetwork>('GET', `/v1/network/${name}?addresses=false`)).body
  const untilCondition = async (type: string, status: boolean, name: string = NETWORK) =>
    await eventually(
      `${type} is ${status}`,
      async () => (await shown(name)).conditions.find((one) => one.type === type)?.status === status,
      { timeoutMs: 60_000 },
    )
  const runsEverywhere = async (service: string, network: string) => {
    const how = ['--detach', '--no-resolve-image', '--endpoint-mode=dnsrr', '--mode=global', `--network=${network}`]
    const where = `--constraint=node.labels.orrery.network.${network} == ready`
    const image = ['orrery-lab/web:good', 'sleep', '1000000']
    await docker(place.manager, 'service', 'create', ...how, where, '--name', service, ...image)
    await untilRunning(service)
  }
  const untilRunning = async (service: string) =>
    await eventually(`${service} runs on both`, async () => (await runningTasks(place.manager, service)).length === 2, {
      timeoutMs: 60_000,
    })

  it('an overlay of the same subnet: the engine takes only one of the two, so the plan refuses, until the overlay is removed', async () => {
    await docker(place.manager, 'network', 'create', '--driver=overlay', '--attachable', `--subnet=${LAN.subnet}`, 'ov')
    const probe = ['--network=ov', '--detach', '--name=on-ov', 'orrery-lab/web:good', 'sleep', '1000000']
    await docker(place.manager, 'run', ...probe)
    const byHand = ['--driver=macvlan', `--subnet=${LAN.subnet}`, '--opt=parent=eth1', 'by-hand']
    const { code, stderr } = await place.manager.docker('network', 'create', ...byHand)
    if (code === 0) await docker(place.manager, 'network', 'rm', 'by-hand')
    console.log(`engine ${engine}: a macvlan network beside an overlay of its subnet: ${code === 0 ? 'made' : stderr}`)
    await networked.define(NETWORK, DEFINITION)
    await untilSaid('plan', ['ov', LAN.subnet, 'docker network rm ov'])
    await docker(place.manager, 'rm', '--force', 'on-ov')
    await docker(place.manager, 'network', 'rm', 'ov')
  })

  it('another macvlan network on the parent: told where the engine would refuse the tasks, and they run where it is ready', async () => {
    const byHand = ['--driver=macvlan', '--subnet=10.77.0.0/16', '--opt=parent=eth1', 'by-hand']
    await docker(worker(), 'network', 'create', ...byHand)
    await untilReady(place.manager, NETWORK, [place.manager])
    if (engine === 'old') {
      await untilSaid('status', ['already using parent interface', 'by-hand (macvlan)', 'docker network rm'])
      expect(await isReady(place.manager, NETWORK, worker())).toBe(false)
      await docker(worker(), 'network', 'rm', 'by-hand')
      await untilReady(place.manager, NETWORK, place.lab.nodes)
      // Again, later: no task is there yet that losing the label would evict.
      await docker(worker(), 'network', 'create', ...byHand)
      const isReadyNow = async () => await isReady(place.manager, NETWORK, worker())
      await eventually('it is ready no more', async () => !(await isReadyNow()), { timeoutMs: 60_000 })
      await untilSaid('status', ['already using parent interface', 'by-hand (macvlan)'])
      await docker(worker(), 'network', 'rm', 'by-hand')
    }
    await untilReady(place.manager, NETWORK, place.lab.nodes)
    await runsEverywhere('on-the-lan', NETWORK)
    if (engine !== 'old') await docker(worker(), 'network', 'rm', 'by-hand')
  })

  // The kernel and the agent decide these, and no engine.
  if (engine === 'new') {
    it('a host address inside a range, its own or another node’s, is told by condition, metric, status and log, and so is its end', async () => {
      const range = present((await ranges(place.manager, NETWORK))[worker().hostname])
      const [inside, ofOther] = ['.77', '.78'].map((last) => range.replace(/\.0\/24$/, last))
      const other = `${ofOther}, an address of ${place.manager.hostname} (eth1), is inside the range ${range}`
      await ip(worker(), 'address', 'replace', `${inside}/32`, 'dev', 'eth1')
      await ip(place.manager, 'address', 'replace', `${ofOther}/32`, 'dev', 'eth1')
      await untilSaid('status', [`${inside} is an address of this host (eth1)`, other, 'network apply --allow-drain'])
      await untilCondition('AsWanted', false)
      const { body } = await controller.call<string>('GET', '/metrics')
      const line = `orrery_network_node_as_wanted{network="${NETWORK}",node="${worker().hostname}"} 0`
      expect(body.split('\n').filter((one) => one === line)).toHaveLength(1)
      for (const words of [`${inside} is an address`, other]) expect(controller.output()).toContain(words)
      expect(await isReady(place.manager, NETWORK, worker())).toBe(true)
      await ip(worker(), 'address', 'delete', `${inside}/32`, 'dev', 'eth1')
      await ip(place.manager, 'address', 'delete', `${ofOther}/32`, 'dev', 'eth1')
      await untilCondition('AsWanted', true)
    })

    // On two hosts, at the same time.
    it.concurrent('the shim follows the MTU of its parent, down and up', async () => {
      const mtu = async () =>
        JSON.parse((await ip(place.manager, '-json', 'link', 'show', `shim-${NETWORK}`)).stdout)[0]?.mtu as number
      for (const wanted of [1400, 1500]) {
        await ip(place.manager, 'link', 'set', 'eth1', 'mtu', String(wanted))
        await eventually(`${wanted}`, async () => (await mtu()) === wanted, { timeoutMs: 30_000 })
      }
    })

    it.concurrent('an address that a machine on the LAN has is not taken for the shim, until that one has another', async () => {
      const range = present((await ranges(place.manager, NETWORK))[worker().hostname])
      const shim = range.replace(/\.0\/24$/, '.1')
      await place.lab.run(['ip', 'address', 'add', `${shim}/16`, 'dev', 'br1'], { check: true })
      await ip(worker(), 'link', 'delete', `shim-${NETWORK}`)
      await untilSaid('status', [shim, 'on the LAN of eth1'])
      await place.lab.run(['ip', 'address', 'delete', `${shim}/16`, 'dev', 'br1'], { check: true })
      await untilCondition('AsWanted', true)
    })

    it('a host with two links on the LAN, its parent and its shim, answers for each of its addresses with one MAC address', async () => {
      const [asker, own] = ['172.80.0.21', '172.80.0.22']
      const range = present((await ranges(place.manager, NETWORK))[worker().hostname])
      const shim = range.replace(/\.0\/24$/, '.1')
      const macsOf = async (address: string) => {
        const how = ['--rm', '--network=host', '--cap-add=NET_RAW', 'orrery-lab/web:good']
        const ask = ['arping', '-b', '-c', '2', '-I', 'eth1', '-s', asker, address]
        const { stdout } = await place.manager.docker('run', ...how, ...ask)
        return new Set([...stdout.matchAll(/\[([0-9a-f:]{17})\]/gi)].map(([, mac]) => mac))
      }
      const filter = async (value: number) =>
        await worker().run(['sh', '-c', `echo ${value} >/proc/sys/net/ipv4/conf/shim-${NETWORK}/arp_filter`], {
          check: true,
        })
      await ip(place.manager, 'address', 'replace', `${asker}/16`, 'dev', 'eth1')
      await ip(worker(), 'address', 'replace', `${own}/16`, 'dev', 'eth1')
      const macs = await Promise.all([own, shim].map(macsOf))
      expect(macs.map(({ size }) => size)).toEqual([1, 1])
      // As it was without what the agent sets: the question can tell.
      await filter(0)
      expect((await macsOf(own)).size).toBe(2)
      await filter(1)
      await ip(worker(), 'address', 'delete', `${own}/16`, 'dev', 'eth1')
      await ip(place.manager, 'address', 'delete', `${asker}/16`, 'dev', 'eth1')
    })
  }

  it('tasks whose parent was removed and made again are told by name, and a forced update gives them a link', async () => {
    const cable = async (node: LabNode) => {
      await ip(node, 'link', 'add', 'lan9', 'type', 'veth', 'peer', 'name', 'far9')
      for (const link of ['lan9', 'far9']) await ip(node, 'link', 'set', link, 'up')
      await ip(node, 'address', 'add', `10.89.0.${10 + place.lab.nodes.indexOf(node)}/16`, 'dev', 'lan9')
    }
    for (const node of place.lab.nodes) await cable(node)
    const second =
      'name: vlan9\nparent: auto\nsubnet: 10.89.0.0/16\ngateway: 10.89.0.1\npool: [10.89.1.0/24, 10.89.2.0/24]\nrange: 24\n'
    await networked.define('vlan9', second)
    await untilReady(place.manager, 'vlan9', place.lab.nodes)
    await runsEverywhere('web9', 'vlan9')
    await ip(worker(), 'link', 'delete', 'lan9')
    await cable(worker())
    await untilSaid('status', ['web9.', 'lost the link', 'docker service update --force web9'])
    await untilCondition('AsWanted', false, 'vlan9')
    await docker(place.manager, 'service', 'update', '--force', '--detach', 'web9')
    await untilCondition('AsWanted', true, 'vlan9')
    await untilRunning('web9')
  })

  if (engine === 'new') {
    // A link and its agent decide that, and no engine.
    it('a link that `auto` had found and that was renamed: what the status advises recreates the network on it', async () => {
      await ip(worker(), 'link', 'set', 'lan9', 'down')
      await ip(worker(), 'link', 'set', 'lan9', 'name', 'lan8')
      await ip(worker(), 'link', 'set', 'lan8', 'up')
      const advice = 'orrery network apply --allow-drain'
      await untilSaid('status', ['parent is lan9 and should be lan8', advice])
      const { code, stdout, stderr } = await networked.orrery(place.manager, advice.split(' ').slice(1))
      expect(code, stdout + stderr).toBe(0)
      expect((await engineNetwork(worker(), 'vlan9_config'))?.Options?.parent).toBe('lan8')
      await untilCondition('AsWanted', true, 'vlan9')
      await untilRunning('web9')
    })

    it('a machine that leaves by force and joins at once, twice, has the range of its first id in the end', async () => {
      const rangeNow = async () => await docker(place.manager, 'node', 'inspect', worker().nodeId, '--format', RANGE)
      const before = await rangeNow()
      const ids = [worker().nodeId]
      for (let time = 0; time < 2; time += 1) {
        await place.lab.rejoin(worker())
        ids.push(worker().nodeId)
      }
      expect(new Set(ids).size).toBe(3)
      await eventually('it has its range', async () => (await rangeNow()) === before, { timeoutMs: 60_000 })
      for (const id of ids.slice(0, 2)) await docker(place.manager, 'node', 'rm', '--force', id)
      await untilReady(place.manager, NETWORK, [worker()])
      const attached = async () => await attachedTo(NETWORK, [worker()])
      await eventually('a task is there', async () => (await attached()).length === 1, { timeoutMs: 60_000 })
      expect((await attached())[0]?.address.startsWith(before.replace('0/24', ''))).toBe(true)
    })
  }

  // ORRERY_RANDOM_LANS=50: that many, half of them on each engine; else one on each.
  const wanted = Number(process.env.ORRERY_RANDOM_LANS ?? 0)
  const seed = Number(process.env.ORRERY_RANDOM_LANS_SEED ?? (wanted > 0 ? Date.now() % 1_000_000 : FIXED_SEED))
  const count = Math.ceil(Math.max(1, wanted) / engines.length)
  it(
    `random LANs, ${count} of seed ${seed}: a node called ready runs its tasks, no address is there twice and untold`,
    async () => {
      for (const service of ['web9', 'on-the-lan']) await removeService(place.manager, service)
      const removed = ['vlan9', NETWORK].map(async (name) => {
        await networked.undefine(name)
        const isGone = async () => {
          await networked.orrery(place.manager, ['network', 'remove', name])
          return (await shown(name)).name === undefined
        }
        await eventually(`${name} is gone`, isGone, { timeoutMs: 60_000 })
      })
      await Promise.all(removed)
      const on = { networked, controller, manager: place.manager, worker: worker() }
      for (const [at, lan] of randomLans(engine === 'old' ? seed : seed + 1000, count).entries()) {
        const sinceMs = performance.now()
        const shownLan = JSON.stringify(lan)
        const { ready, told, tasks } = await liveOn(on, lan, `lan${at}`).catch((cause) => {
          throw new Error(`LAN ${at} of seed ${seed}: ${shownLan}`, { cause })
        })
        const seconds = ((performance.now() - sinceMs) / 1000).toFixed(1)
        console.log(
          `engine ${engine}, LAN ${at} of seed ${seed}: ${ready} ready, ${tasks} tasks, ${seconds} s: ${shownLan}; told: ${told.join(' | ') || 'nothing'}`,
        )
      }
    },
    60_000 + count * 60_000,
  )

  if (engine === 'old') {
    let added: LabNode | undefined
    it('an engine in no Swarm, one that is locked and an agent there say what to run, and it is enough', async () => {
      const twin = added ?? (await place.lab.addNode({ join: false }))
      added = twin
      const saysThere = async () => {
        const { stdout, stderr } = await networked.orrery(twin, ['network', 'status'])
        return `${stdout}${stderr}`
      }
      const inNone = 'is not part of a swarm: run "docker swarm init" or "join", or point DOCKER_HOST'
      expect(await saysThere()).toContain(inNone)
      const init = await docker(twin, 'swarm', 'init', '--autolock', `--advertise-addr=${twin.address}`)
      const key = present(/SWMKEY-\S+/.exec(init)?.[0])
      expect(await saysThere()).not.toMatch(/swarm (init|unlock)/)
      await twin.run(['hostname', worker().hostname], { check: true })
      await twin.restart()
      expect(await saysThere()).toContain('is locked: run "docker swarm unlock" on that manager')
      await twin.run(['sh', '-c', `echo ${key} | docker swarm unlock`], { check: true })
      await eventually('unlocked', async () => !/swarm (init|unlock)/.test(await saysThere()), { timeoutMs: 30_000 })
      await docker(twin, 'swarm', 'leave', '--force')
      const agent = await networked.startAgent(twin)
      const said = async () =>
        agent.output().includes('is in no swarm (inactive): run \\"docker swarm join\\" on this host')
      await eventually('its agent says that it is in no Swarm', said, { timeoutMs: 30_000 })
    })

    it('a machine that joins under the name of one whose engine is away gets a range of its own, and both are told', async () => {
      const twin = present(added)
      // Random LANs had none beside them.
      await networked.define(NETWORK, DEFINITION)
      await untilReady(
        place.manager,
        NETWORK,
        place.lab.nodes.filter((node) => node !== twin),
      )
      const before = await docker(place.manager, 'node', 'inspect', worker().nodeId, '--format', RANGE)
      await worker().kill()
      await place.lab.rejoin(twin)
      const range = async () => await docker(place.manager, 'node', 'inspect', twin.nodeId, '--format', RANGE)
      await eventually('it has a range', async () => /^\d/.test(await range()), { timeoutMs: 60_000 })
      expect(await range()).not.toBe(before)
      expect(await docker(place.manager, 'node', 'inspect', worker().nodeId, '--format', RANGE)).toBe(before)
      await untilCondition('HostNamesUnique', false)
    })
  }
})

/** On 20.10 it draws a macvlan network beside, on 28.5 `auto`, a host address in the pool, and a lease that moves in. */
const FIXED_SEED = 19_456

const RANGE = `{{index .Spec.Labels "orrery.network.${NETWORK}.range"}}`
