/** A controller as operators run it: the built program in a process of its own, beside one manager's engine. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, type Dispatcher, request } from 'undici'
import type { WireAutoscaler } from '../../../src/http/wire/autoscaler.ts'
import type { WireDecision } from '../../../src/http/wire/decision.ts'
import type { LabNode } from '../../lab/lab.ts'
import type { MemoryLimit } from './memory-limit.ts'

export const mainFile = join(import.meta.dirname, '../../../dist/main.js')

export interface Answer<Body = unknown> {
  readonly status: number
  readonly body: Body
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly tookMs: number
}

export interface Controller {
  readonly url: string
  readonly pid: number
  call<Body = unknown>(method: Dispatcher.HttpMethod, path: string, options?: CallOptions): Promise<Answer<Body>>
  up(name: string, options?: CallOptions): Promise<Answer<WireDecision>>
  down(name: string, options?: CallOptions): Promise<Answer<WireDecision>>
  get(name: string): Promise<Answer<WireAutoscaler>>
  /** One figure of /metrics; 0 when the series is not there. Labels as written there, in any order. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>
  /** Everything logged so far, a line an object. */
  log(): readonly Record<string, unknown>[]
  /** Until `/readyz` says 200. */
  ready(timeoutMs?: number): Promise<void>
  /** Whether its process has come to an end. */
  hasEnded(): boolean
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>
  /** SIGKILL. */
  kill(): Promise<void>
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly query?: Readonly<Record<string, string>>
  /** Give up waiting; the request is then cut off. */
  readonly timeoutMs?: number
}

/** Each with the socket of its engine. */
const running = new Map<ChildProcess, string>()

/** Starts one and waits until it is ready, unless told not to; one that does not come so far is ended. `node`: a lab node, or the path of an engine's socket. */
export async function startController(
  node: Pick<LabNode, 'socketPath'>,
  options: { env?: Readonly<Record<string, string>>; waitReady?: boolean; port?: number; limit?: MemoryLimit } = {},
): Promise<Controller> {
  const { env = {}, waitReady = true, port = await freePort() } = options
  const url = `http://127.0.0.1:${port}`
  const program = [process.execPath, mainFile, 'serve']
  const [command, ...args] = options.limit?.wrap(program) ?? program
  const child = spawn(command ?? '', args, {
    env: {
      PATH: process.env.PATH,
      DOCKER_HOST: `unix://${node.socketPath}`,
      ORRERY_LISTEN: `127.0.0.1:${port}`,
      LOG_LEVEL: 'debug',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.set(child, node.socketPath)
  child.once('exit', () => running.delete(child))
  const lines = collectLines(child)
  const agent = new Agent({ connections: 256, pipelining: 1 })
  const controller = createController({ url, child, lines, agent })
  try {
    await untilListening(controller, child, lines)
    if (waitReady) await controller.ready()
  } catch (error) {
    await controller.kill()
    throw error
  }
  return controller
}

/** Ends what a failed test left running. */
export function endControllers(): void {
  for (const child of running.keys()) child.kill('SIGKILL')
}

/** The same where another lab's controllers go on. */
export function endControllersOf(nodes: readonly Pick<LabNode, 'socketPath'>[]): void {
  const sockets = new Set(nodes.map(({ socketPath }) => socketPath))
  for (const [child, socket] of running) if (sockets.has(socket)) child.kill('SIGKILL')
}

function createController(deps: {
  url: string
  child: ChildProcess
  lines: readonly string[]
  agent: Agent
}): Controller {
  const { url, child, lines, agent } = deps
  const call = async <Body>(
    method: Dispatcher.HttpMethod,
    path: string,
    options: CallOptions = {},
  ): Promise<Answer<Body>> => {
    const { headers = {}, body, query, timeoutMs } = options
    const started = performance.now()
    const answer = await request(`${url}${path}`, {
      method,
      dispatcher: agent,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(query && { query }),
      ...(timeoutMs !== undefined && { signal: AbortSignal.timeout(timeoutMs) }),
    })
    const text = await answer.body.text()
    const tookMs = performance.now() - started
    return { status: answer.statusCode, body: parsed(text) as Body, headers: answer.headers, tookMs }
  }
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const end = async (signal: NodeJS.Signals) => {
    if (!hasEnded()) {
      child.kill(signal)
      await once(child, 'exit')
    }
    await agent.destroy()
    return child.exitCode
  }
  return {
    url,
    pid: child.pid ?? 0,
    call,
    up: (name, options) => call('POST', `/v1/autoscaler/${name}/up`, options),
    down: (name, options) => call('POST', `/v1/autoscaler/${name}/down`, options),
    get: (name) => call('GET', `/v1/autoscaler/${name}`),
    async metric(name, labels = {}) {
      const { body } = await call<string>('GET', '/metrics')
      const found = String(body)
        .split('\n')
        .find(
          (line) =>
            line.startsWith(name) && Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)),
        )
      return Number(found?.split(' ').at(-1) ?? 0)
    },
    log: () => lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : [])),
    async ready(timeoutMs = 60_000) {
      let last: unknown
      for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(25)) {
        const { status, body } = await call('GET', '/readyz')
        if (status === 200) return
        last = body
      }
      throw new Error(`the controller is not ready: ${JSON.stringify(last)}`)
    },
    hasEnded,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  }
}

function collectLines(child: ChildProcess): string[] {
  const lines: string[] = []
  let rest = ''
  const take = (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  return lines
}

async function untilListening(controller: Controller, child: ChildProcess, lines: readonly string[]): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(20)) {
    if (child.exitCode !== null) break
    try {
      await controller.call('GET', '/healthz')
      return
    } catch {
      // not yet
    }
  }
  throw new Error(`the controller did not start:\n${lines.join('\n')}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
