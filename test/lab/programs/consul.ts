/** A real Consul, Debian's, never installed: on this machine's loopback, at a lab's bridges or inside a node. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { InsideProcess } from '../inside.ts'
import type { Lab, LabNode } from '../lab.ts'
import type { Forward } from '../network/forward.ts'
import { fetchPackages } from '../packages/engines.ts'
import { freePorts } from './monitoring.ts'

/** The path of the program. Fetched at the first call. */
export async function consulProgram(): Promise<string> {
  const { folder } = await fetchPackages('consul', 'bullseye', ['consul'], () => {})
  return join(folder, 'usr/bin/consul')
}

export type ConsulServer = {
  /** On this machine's loopback. */
  url: string
  /** JSON of its API, or text. Throws for every status but 2xx. */
  get<Body = unknown>(path: string, token?: string): Promise<Body>
  put<Body = unknown>(path: string, body?: unknown, token?: string): Promise<Body>
  log(): string
  /** Ends it at once, keeping its data, so that `start` brings it back. */
  kill(): Promise<void>
  start(options?: { readonly wiped?: boolean }): Promise<void>
  /** Its data goes with it. */
  stop(): Promise<void>
}

/** With where its DNS is. */
export type LocalConsul = ConsulServer & { dns: string }

type Settings = Readonly<Record<string, unknown>>
const QUICK = { leave_on_terminate: false, disable_update_check: true, performance: { raft_multiplier: 1 } }
const SERVER = { server: true, bootstrap_expect: 1, connect: { enabled: false }, ...QUICK }

/** On this machine's loopback, with ports of its own. */
export async function startConsul(settings: Settings = {}): Promise<LocalConsul> {
  const [http = 0, dns = 0, serf = 0, rpc = 0] = await freePorts(4)
  const ports = { http, dns, serf_lan: serf, serf_wan: -1, server: rpc, grpc: -1 }
  const named = { ports: { ...ports, ...(settings.ports as object | undefined) } }
  const own = { bind_addr: '127.0.0.1', node_name: 'consul-server', ...SERVER, ...settings, ...named }
  const program = await consulProgram()
  const made = await server(own, async (args) => {
    // The kernel ends it with the process that started it, whatever ends that.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    return { ...ofChild(child), url: `http://127.0.0.1:${http}` }
  })
  return { ...made, dns: `127.0.0.1:${dns}` }
}

export type LabConsul = ConsulServer & {
  /** `http://10.211.3.1:8500`: for programs inside the lab's nodes. */
  inside: string
  /** Its host on the nodes' LAN. */
  host: string
}

/** At a lab's bridges: a machine on the nodes' LANs that is no node, so that it outlives each of them. */
export async function startLabConsul(lab: Lab, settings: Settings = {}): Promise<LabConsul> {
  const program = await consulProgram()
  const { stdout } = await lab.run(['ip', '-json', '-4', 'address', 'show', 'br0'])
  const host = (JSON.parse(stdout) as { addr_info: { local: string }[] }[])[0]?.addr_info[0]?.local
  if (host === undefined) throw new Error('br0 has no address')
  const own = { bind_addr: host, client_addr: '0.0.0.0', node_name: 'consul-server', ...SERVER, ...settings }
  let forward: Forward | undefined
  const made = await server(own, async (args) => {
    const inside = await lab.spawn([program, ...args])
    forward ??= await lab.forward(8500, '127.0.0.1')
    return { ...ofInside(inside), url: forward.url }
  })
  const stop = async () => {
    await made.stop()
    await forward?.close()
  }
  return { ...made, stop, host, inside: `http://${host}:8500` }
}

/** A client agent inside a node, on its loopback and its LAN, as one runs on every host of such a house. */
export async function startNodeConsul(node: LabNode, to: LabConsul): Promise<ConsulServer> {
  const program = await consulProgram()
  const own = { bind_addr: node.address, node_name: `agent-${node.hostname}`, retry_join: [to.host], ...QUICK }
  // Its own also when it lost its data: Consul takes another id of the same name for an intruder.
  const node_id = randomUUID()
  let forward: Forward | undefined
  const made = await server({ ...own, node_id, retry_interval: '1s' }, async (args) => {
    const inside = await node.spawn([program, ...args])
    forward ??= await node.forward(8500)
    return { ...ofInside(inside), url: forward.url }
  })
  const stop = async () => {
    await made.stop()
    await forward?.close()
  }
  return { ...made, stop }
}

type Running = { url: string; output(): string; kill(): void; exited: Promise<unknown> }

const ofInside = (inside: InsideProcess) => ({
  output: inside.output,
  kill: () => inside.kill('SIGKILL'),
  exited: inside.exited,
})

function ofChild(child: ChildProcess) {
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return {
    output: () => Buffer.concat(chunks).toString(),
    kill: () => void child.kill('SIGKILL'),
    exited: once(child, 'exit'),
  }
}

async function server(settings: Settings, run: (args: string[]) => Promise<Running>): Promise<ConsulServer> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-consul-'))
  const data = join(folder, 'data')
  const file = join(folder, 'consul.json')
  await writeFile(file, JSON.stringify({ data_dir: data, ...settings }), { mode: 0o600 })
  let running: Running | undefined

  const call = async <Body>(method: string, path: string, token?: string, body?: unknown): Promise<Body> => {
    const answer = await fetch(`${running?.url}${path}`, {
      method,
      ...(token !== undefined && { headers: { 'x-consul-token': token } }),
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (/^[[{"]|^(?:true|false|null)/.test(text) ? JSON.parse(text) : text) as Body
  }
  const kill = async () => {
    running?.kill()
    await running?.exited
  }
  const { acl } = settings as { readonly acl?: { readonly tokens?: { readonly master?: string } } }
  /** It has a leader, which has also made the token that the settings name: that comes a moment later. */
  const isReady = async () => {
    const token = acl?.tokens?.master
    const leader = await call<string>('GET', '/v1/status/leader')
    if (leader !== '' && token !== undefined) await call('GET', '/v1/acl/token/self', token)
    return leader !== ''
  }
  const start: ConsulServer['start'] = async ({ wiped = false } = {}) => {
    if (wiped) await rm(data, { recursive: true, force: true })
    running = await run(['agent', '-config-file', file])
    for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(50)) {
      if (await isReady().catch(() => false)) return
    }
    throw new Error(`Consul has no leader:\n${running.output()}`)
  }
  await start()
  return {
    url: running === undefined ? '' : (running as Running).url,
    get: (path, token) => call('GET', path, token),
    put: (path, body, token) => call('PUT', path, token, body),
    log: () => running?.output() ?? '',
    kill,
    start,
    async stop() {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
