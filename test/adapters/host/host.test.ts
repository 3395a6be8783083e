/** On a real kernel, in a network namespace of this test: root, or a machine that lets everybody make namespaces. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHost } from '../../../src/adapters/host/host.ts'
import { planNode } from '../../../src/agent/plan/node-plan.ts'
import type { Host } from '../../../src/agent/ports.ts'
import type { WantedNetwork } from '../../../src/swarm/wanted.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
const own = isRoot ? ['--net'] : ['--user', '--map-root-user', '--net']
const impossible = await run('unshare', [
  ...own,
  'ip',
  'link',
  'add',
  'lan0',
  'type',
  'veth',
  'peer',
  'name',
  'far0',
]).then(
  () => undefined,
  (error: Error) => error.message.split('\n').at(-2) ?? error.message,
)
if (impossible !== undefined)
  console.warn(`no network namespace can be had here, so no real kernel is asked: ${impossible}`)

const wanted: WantedNetwork = {
  name: 'vlan40',
  configName: 'vlan40_config',
  presence: 'present',
  driver: 'macvlan',
  parent: 'lan0',
  ipv4: { subnet: '172.80.0.0/16', range: '172.80.1.0/24', aux: {}, shim: '172.80.1.254' },
  ipv6: { subnet: 'fd00:40::/48', range: 'fd00:40:0:1::/64', aux: {}, shim: 'fd00:40:0:1::fe' },
  isAdopted: false,
  mayRecreate: false,
}
const engine = { networks: [], containers: [] }

describe.runIf(impossible === undefined)('a host, on this kernel', () => {
  let namespace: ChildProcess
  let folder: string
  let host: Host
  let ip: (...args: string[]) => Promise<string>

  beforeAll(async () => {
    namespace = spawn('unshare', [...own, 'sh', '-c', 'echo ready; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (namespace.stdout) await once(namespace.stdout, 'data')
    folder = await mkdtemp(join(tmpdir(), 'orrery-host-'))
    const program = join(folder, 'ip')
    const enter = `nsenter --target=${namespace.pid} ${isRoot ? '' : '--user --preserve-credentials'} --net`
    await writeFile(program, `#!/bin/sh\nexec ${enter} ip "$@"\n`)
    await chmod(program, 0o755)
    host = createHost({ program })
    ip = async (...args) => (await run(program, args)).stdout
    await ip('link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'far0')
    for (const name of ['lo', 'lan0', 'far0']) await ip('link', 'set', name, 'up')
    await ip('address', 'add', '172.80.0.11/16', 'dev', 'lan0')
  })
  afterAll(async () => {
    namespace.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  const observed = async () => ({
    ...(await host.observe({ ipv6: true })),
    ...engine,
    promiscuousByUs: new Set<string>(),
    adoptedByUs: new Set<string>(),
    proven: new Map<string, string>(),
  })
  /** What concerns the host: there is no engine here. */
  const hostSteps = async (network: WantedNetwork) =>
    planNode(network, await observed(), [network]).steps.flatMap((step) =>
      'id' in step && 'name' in step ? [] : step.do === 'create-network' || step.do === 'prove-network' ? [] : [step],
    )
  const keep = async (network: WantedNetwork) => {
    for (const step of await hostSteps(network)) await host.carryOut(step)
  }
  const shim = async () => (await observed()).links.find(({ name }) => name === 'shim-vlan40')

  it('is brought to what is wanted, and is seen to be that', async () => {
    await keep(wanted)
    expect(await hostSteps(wanted)).toEqual([])
    expect(await shim()).toMatchObject({
      kind: 'macvlan',
      mode: 'bridge',
      lower: 'lan0',
      alias: 'orrery vlan40',
      isUp: true,
    })
    const { links, routes } = await observed()
    expect(links.find(({ name }) => name === 'lan0')?.isPromiscuous).toBe(true)
    expect(routes).toContainEqual({
      destination: '172.80.0.0/16',
      link: 'lan0',
      source: '172.80.0.11',
      protocol: 'kernel',
    })
    const routed = JSON.parse(await ip('-json', 'route', 'get', '172.80.1.7'))
    expect(routed).toEqual([expect.objectContaining({ dev: 'shim-vlan40', prefsrc: '172.80.1.254' })])
  })

  it('gives the shim no address but its own: none of its link, none of a router', async () => {
    await keep(wanted)
    expect((await shim())?.addresses.map(({ address }) => address)).toEqual(['172.80.1.254/32', 'fd00:40:0:1::fe/128'])
  })

  it.each([
    { name: 'the shim', spoil: ['link', 'delete', 'shim-vlan40'] },
    { name: 'the shim, set down', spoil: ['link', 'set', 'shim-vlan40', 'down'] },
    { name: 'its address', spoil: ['address', 'delete', '172.80.1.254/32', 'dev', 'shim-vlan40'] },
    { name: 'its route', spoil: ['route', 'delete', '172.80.1.0/24'] },
    { name: 'its IPv6 route', spoil: ['-6', 'route', 'delete', 'fd00:40:0:1::/64', 'dev', 'shim-vlan40'] },
    { name: 'its source', spoil: ['route', 'replace', '172.80.1.0/24', 'dev', 'shim-vlan40', 'src', '172.80.0.11'] },
    { name: 'one address too many', spoil: ['address', 'add', '172.80.2.254/32', 'dev', 'shim-vlan40'] },
    { name: 'promiscuity', spoil: ['link', 'set', 'lan0', 'promisc', 'off'] },
    { name: 'a link half made', spoil: ['link', 'add', 'link', 'lan0', 'name', 'orrery-new', 'type', 'macvlan'] },
    { name: 'a shim of another mode', spoil: ['link', 'set', 'shim-vlan40', 'type', 'macvlan', 'mode', 'private'] },
  ])('is mended: $name', async ({ spoil }) => {
    await keep(wanted)
    await ip(...spoil)
    expect(await hostSteps(wanted)).not.toEqual([])
    await keep(wanted)
    expect(await hostSteps(wanted)).toEqual([])
  })

  it('is rid of what was made for a network that goes', async () => {
    await keep(wanted)
    await keep({ ...wanted, presence: 'absent' })
    const { links, routes } = await observed()
    expect(links.map(({ name }) => name).toSorted()).toEqual(['far0', 'lan0', 'lo'])
    expect(routes.map(({ link }) => link)).not.toContain('shim-vlan40')
  })

  it('says so of a kind of link that the kernel does not know', async () => {
    const [first] = await hostSteps({ ...wanted, parent: 'lan0.40' })
    expect(first).toMatchObject({ do: 'make-vlan', id: 40 })
    if (first === undefined) return
    const made: unknown = await host.carryOut(first).catch((error: unknown) => error)
    // A kernel with 8021q makes it, with its mark; one without says what it lacks.
    if (made === undefined) {
      const { links } = await observed()
      expect(links.find(({ name }) => name === 'lan0.40')).toMatchObject({ kind: 'vlan', alias: 'orrery vlan40' })
    } else expect(made).toMatchObject({ name: 'HostFault', code: 'kind-unknown' })
  })
})
