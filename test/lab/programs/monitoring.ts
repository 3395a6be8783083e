/** Prometheus and Alertmanager as processes of this machine, on its loopback. Debian's packages, never installed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '../packages/cache.ts'
import { fetchPackages } from '../packages/engines.ts'

/** Paths of the programs, and the folder of what they read below /usr/share. */
export type MonitoringPackages = {
  prometheus: string
  alertmanager: string
  promtool: string
  amtool: string
  share: string
}

/** Fetched at the first call. */
export async function monitoringPackages(progress: Progress = () => {}): Promise<MonitoringPackages> {
  const packages = ['prometheus', 'prometheus-alertmanager']
  const { folder } = await fetchPackages('monitoring', 'bookworm', packages, progress)
  const program = (name: string) => join(folder, 'usr/bin', name)
  return {
    prometheus: program('prometheus'),
    alertmanager: program('prometheus-alertmanager'),
    promtool: program('promtool'),
    amtool: program('amtool'),
    share: join(folder, 'usr/share'),
  }
}

export type Monitor = {
  url: string
  /** Where its files and data are. */
  folder: string
  /** JSON of its API, or text. Throws for every status but 2xx. */
  get<Body = unknown>(path: string): Promise<Body>
  post(path: string, body: unknown): Promise<void>
  /** The sum of the series of /metrics with these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>
  log(): string
  /** To the program itself: SIGSTOP makes it hang, SIGKILL is how it dies. */
  signal(signal: NodeJS.Signals): void
  /** Its data goes with it. */
  stop(): Promise<void>
}

export type PrometheusOptions = {
  /** By name; `prometheus.yml` is the one that it reads first. */
  files: Readonly<Record<string, string>>
  args?: readonly string[]
}

export async function startPrometheus({ files, args = [] }: PrometheusOptions): Promise<Monitor> {
  const { prometheus, share } = await monitoringPackages()
  return await startMonitor({ program: prometheus, share, files }, (folder, port) => [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    ...args,
  ])
}

export type AlertmanagerOptions = {
  /** By name; `alertmanager.yml` is the one that it reads first. */
  files: Readonly<Record<string, string>>
  /** A port of `freePorts` to gossip at, and those of its peers. Absent: it stands alone. */
  cluster?: { port: number; peers: readonly number[] }
  args?: readonly string[]
}

export async function startAlertmanager({ files, cluster, args = [] }: AlertmanagerOptions): Promise<Monitor> {
  const { alertmanager, share } = await monitoringPackages()
  const gossip =
    cluster === undefined
      ? ['--cluster.listen-address=']
      : [
          `--cluster.listen-address=127.0.0.1:${cluster.port}`,
          `--cluster.advertise-address=127.0.0.1:${cluster.port}`,
          ...cluster.peers.map((port) => `--cluster.peer=127.0.0.1:${port}`),
          '--cluster.gossip-interval=50ms', // it waits for ten of these, three times, before it first notifies
        ]
  return await startMonitor({ program: alertmanager, share, files }, (folder, port) => [
    `--config.file=${join(folder, 'alertmanager.yml')}`,
    `--storage.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    ...gossip,
    ...args,
  ])
}

/** With the folder of each. */
const running = new Map<ChildProcess, string>()

/** Ends what a failed test left running. */
export function endMonitors(): void {
  for (const [child, folder] of running) {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Debian's builds read templates at paths below /usr/share, so each program sees its package's files laid over the
 * machine's. The kernel ends it with the process that started it, whatever ends that.
 */
const LINE = 'mount -t overlay -o "lowerdir=$0:/usr/share" overlay /usr/share && exec setpriv --pdeathsig KILL "$@"'

async function startMonitor(
  { program, share, files }: { program: string; share: string; files: Readonly<Record<string, string>> },
  args: (folder: string, port: number) => string[],
): Promise<Monitor> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-monitor-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
  const [port = 0] = await freePorts(1)
  const line = ['--mount', 'sh', '-c', LINE, share, program, ...args(folder, port)]
  const child = spawn('unshare', line, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  running.set(child, folder)
  child.once('exit', () => running.delete(child))
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const monitor = createMonitor({ url: `http://127.0.0.1:${port}`, folder, child, chunks })
  await untilReady(monitor, child)
  return monitor
}

function createMonitor(deps: { url: string; folder: string; child: ChildProcess; chunks: readonly Buffer[] }): Monitor {
  const { url, folder, child, chunks } = deps
  const call = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${url}${path}`, init)
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
    return text
  }
  return {
    url,
    folder,
    async get<Body>(path: string) {
      const text = await call(path)
      return (/^[[{]/.test(text) ? JSON.parse(text) : text) as Body
    },
    async post(path, body) {
      const headers = { 'content-type': 'application/json' }
      await call(path, { method: 'POST', headers, body: JSON.stringify(body) })
    },
    async metric(name, labels = {}) {
      const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
      const lines = (await call('/metrics')).split('\n')
      const series = lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      const found = series.filter((line) => wanted.every((label) => line.includes(label)))
      return found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    },
    log: () => Buffer.concat(chunks).toString(),
    signal: (signal) => void child.kill(signal),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function untilReady(monitor: Monitor, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(20)) {
    if (child.exitCode !== null) break
    try {
      await monitor.get('/-/ready')
      return
    } catch {
      // not yet
    }
  }
  const said = monitor.log()
  await monitor.stop()
  throw new Error(`${child.spawnargs[6]} is not ready:\n${said}`)
}

/** TCP ports of the loopback that nothing listens at. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  return servers.map((server) => {
    const address = server.address()
    server.close()
    if (address === null || typeof address === 'string') throw new Error('no free port')
    return address.port
  })
}
