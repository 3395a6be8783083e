/** The demo's own programs inside the nodes: the built program as a controller, and as agents. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { entrance } from '../lab/inside.ts'
import type { LabNode } from '../lab/lab.ts'
import { childrenOf } from '../lab/node/processes.ts'
import { mainFile, repository } from './repository.ts'

const READY_TIMEOUT_MS = 30_000

export type DemoProgram = {
  /** Rejects when it ends without having been told to. */
  lost: Promise<never>
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>
  lastLog(): Promise<string>
}

export type DemoProgramOptions = {
  node: LabNode
  role: 'serve' | 'agent'
  env: Record<string, string>
  logPath: string
}

export function startDemoProgram({ node, role, env, logPath }: DemoProgramOptions): DemoProgram {
  const log = openSync(logPath, 'a')
  const inside = entrance(node.pid, [process.execPath, mainFile, role], { env, cwd: repository })
  // In a group of its own, so that Ctrl-C is not for it; by setpriv it ends with this process, even if that is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'nsenter', ...inside], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let told = false
  const ended = once(child, 'exit')
  const lost = ended.then(([code, signal]): never | Promise<never> => {
    if (told) return new Promise(() => {})
    throw new Error(`orrery ${role} on ${node.hostname} has ended by itself (${signal ?? `exit code ${code}`})`)
  })
  lost.catch(() => {})
  return {
    lost,
    async stop() {
      told = true
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
      // nsenter forks to enter the node: the program is its child.
      for (const pid of childrenOf(child.pid)) process.kill(pid, 'SIGTERM')
      await ended
    },
    lastLog: async () => (await readFile(logPath, 'utf8').catch(() => '')).trim().split('\n').slice(-15).join('\n'),
  }
}

/** Until `/readyz` says 200. */
export async function untilReady(url: string): Promise<void> {
  for (const deadline = Date.now() + READY_TIMEOUT_MS; Date.now() < deadline; await sleep(50)) {
    const status = await request(`${url}/readyz`).then(
      async ({ statusCode, body }) => await body.dump().then(() => statusCode),
      () => undefined,
    )
    if (status === 200) return
  }
  throw new Error(`the controller is not ready after ${READY_TIMEOUT_MS / 1000} s`)
}

/** 8000, as everywhere in the docs, or another port of 127.0.0.1 if that one is taken. */
export async function freePort(): Promise<number> {
  const port = (await tryPort(8000)) ?? (await tryPort(0))
  if (port === undefined) throw new Error('no port is free on 127.0.0.1')
  return port
}

function tryPort(wanted: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined))
    })
  })
}
