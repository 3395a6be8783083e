/** The controller of the demo: the built program on this machine's loopback, beside the engine of one manager. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { mainFile } from './repository.ts'

const READY_TIMEOUT_MS = 30_000

export type DemoController = {
  url: string
  /** Rejects when it ends without having been told to. */
  lost: Promise<never>
  /** Until `/readyz` says 200. */
  ready(): Promise<void>
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>
  lastLog(): Promise<string>
}

export type DemoControllerOptions = { url: string; env: Record<string, string>; logPath: string }

export function startDemoController({ url, env, logPath }: DemoControllerOptions): DemoController {
  const log = openSync(logPath, 'a')
  // In a group of its own, so that Ctrl-C is not for it; by setpriv it ends with this process, even if that is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, mainFile, 'serve'], {
    env: { PATH: process.env.PATH, ...env },
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let told = false
  const ended = once(child, 'exit')
  const lost = ended.then(([code, signal]): never | Promise<never> => {
    if (told) return new Promise(() => {})
    throw new Error(`the controller has ended by itself (${signal ?? `exit code ${code}`})`)
  })
  lost.catch(() => {})
  return {
    url,
    lost,
    async ready() {
      for (const deadline = Date.now() + READY_TIMEOUT_MS; Date.now() < deadline; await sleep(50)) {
        const status = await request(`${url}/readyz`).then(
          async ({ statusCode, body }) => await body.dump().then(() => statusCode),
          () => undefined,
        )
        if (status === 200) return
      }
      throw new Error(`the controller is not ready after ${READY_TIMEOUT_MS / 1000} s`)
    },
    async stop() {
      told = true
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await ended
    },
    lastLog: async () => (await readFile(logPath, 'utf8').catch(() => '')).trim().split('\n').slice(-15).join('\n'),
  }
}

/** 127.0.0.1:8000, as everywhere in the docs, or another port if that one is taken. */
export async function freeAddress(): Promise<string> {
  const port = (await tryPort(8000)) ?? (await tryPort(0))
  if (port === undefined) throw new Error('no port is free on 127.0.0.1')
  return `127.0.0.1:${port}`
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
