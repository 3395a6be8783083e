import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ExecuteOptions, execute, type Result } from './execute.ts'
import { childrenOf, signalIfAlive } from './node/processes.ts'

export type InsideOptions = { env?: Record<string, string>; cwd?: string }
export type RunOptions = InsideOptions & Omit<ExecuteOptions, 'kill'>

/** A program running inside a node. It ends with the lab at the latest. */
export type InsideProcess = {
  /** Pid as seen from outside. */
  pid: number
  /** All it has printed so far, both streams as they came. */
  output(): string
  kill(signal?: NodeJS.Signals): void
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

// /usr first: the engine's own client, not one that the machine may have in /usr/local.
const path = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin', dirname(process.execPath)]

/** Arguments of nsenter for a program in all namespaces of `pid`. The environment starts empty, as for a service. */
export function entrance(pid: number, argv: readonly string[], { env = {}, cwd = '/' }: InsideOptions = {}): string[] {
  const variables = { PATH: path.join(':'), HOME: '/root', LANG: 'C.UTF-8', DOCKER_CONFIG: '/run/docker-cli', ...env }
  return [
    `--target=${pid}`, // in this form: keeper.sh looks for it
    ...['--mount', '--uts', '--ipc', '--net', '--pid', '--', 'env', '--ignore-environment', `--chdir=${cwd}`],
    ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    ...argv,
  ]
}

/** Runs a program inside to its end. */
export function run(pid: number, argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  return execute('nsenter', entrance(pid, argv, options), { ...options, kill: killInside })
}

/** Starts a program inside and leaves it running. */
export async function start(pid: number, argv: readonly string[], options: InsideOptions = {}): Promise<InsideProcess> {
  const nsenter = spawn('nsenter', entrance(pid, argv, options), { stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  for (const stream of [nsenter.stdout, nsenter.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const exited = once(nsenter, 'exit').then(([code, signal]) => ({ code, signal }) as Awaited<InsideProcess['exited']>)
  const program = await programOf(nsenter)
  const kill = (signal: NodeJS.Signals = 'SIGTERM') => {
    if (nsenter.exitCode !== null || nsenter.signalCode !== null) return // the pid may be another's by now
    signalIfAlive(program, signal)
    // nsenter stops itself together with its child.
    if (signal === 'SIGCONT' && nsenter.pid !== undefined) signalIfAlive(nsenter.pid, signal)
  }
  return { pid: program, output: () => Buffer.concat(chunks).toString(), kill, exited }
}

/** nsenter forks to enter a pid namespace: the program is its child. */
async function programOf(nsenter: ChildProcess): Promise<number> {
  if (nsenter.pid === undefined) await once(nsenter, 'spawn') // rejects with why it did not start
  const outer = nsenter.pid as number
  for (;;) {
    const [program] = childrenOf(outer)
    if (program !== undefined) return program
    if (nsenter.exitCode !== null || nsenter.signalCode !== null) return outer
    await sleep(2)
  }
}

function killInside(nsenter: number) {
  for (const pid of [...childrenOf(nsenter), nsenter]) signalIfAlive(pid, 'SIGKILL')
}
