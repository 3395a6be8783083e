/**
 * Controllers and agents as processes inside the nodes of a lab, where they reach one another as on a real LAN: ports 8000
 * and 8001, their nodes' Swarm certificates, each with the engine beside it. Nothing of them is told what the default is.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Dispatcher, request } from 'undici'
import type { Result } from '../../lab/execute.ts'
import type { InsideProcess } from '../../lab/inside.ts'
import type { Lab, LabNode } from '../../lab/lab.ts'
import type { Forward } from '../../lab/network/forward.ts'
import { mainFile } from './controller.ts'
import { eventually } from './services.ts'

export interface Program {
  readonly node: LabNode
  readonly pid: number
  /** Everything logged so far, a line an object. */
  log(): readonly Record<string, unknown>[]
  output(): string
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>
  /** SIGKILL. */
  kill(): Promise<void>
}

export interface NodeController extends Program {
  /** On this machine's loopback. */
  readonly url: string
  call<Body>(
    method: Dispatcher.HttpMethod,
    path: string,
    options?: { body?: unknown; token?: string },
  ): Promise<{ status: number; body: Body }>
}

export interface Networked {
  readonly lab: Lab
  /** ORRERY_NETWORK_DIR of every controller and command. */
  readonly networkDir: string
  readonly tokens: { readonly admin: string }
  /** With the admin's token, for commands. */
  readonly cliTokenFile: string
  /** Writes `<name>.yaml` into it. */
  define(name: string, yaml: string): Promise<void>
  undefine(name: string): Promise<void>
  /** Ready when it resolves. */
  startController(node: LabNode, env?: Readonly<Record<string, string>>): Promise<NodeController>
  startAgent(node: LabNode, env?: Readonly<Record<string, string>>): Promise<Program>
  /** A command, typed on a node. Does not throw: look at `code`. */
  orrery(node: LabNode, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Result>
  /** Ends all programs; the lab stays. */
  close(): Promise<void>
}

export async function networkedLab(lab: Lab): Promise<Networked> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-networked-'))
  const networkDir = join(folder, 'networks')
  const tokens = { admin: 'an-admins-token' }
  const tokenFile = join(folder, 'tokens')
  const cliTokenFile = join(folder, 'cli-token')
  await Promise.all([
    writeFile(tokenFile, `admin ${tokens.admin}\n`),
    writeFile(cliTokenFile, tokens.admin),
    mkdir(networkDir),
  ])
  const programs = new Set<Program>()
  const forwards = new Map<LabNode, Forward>()

  const start = async (node: LabNode, role: string, env: Readonly<Record<string, string>>): Promise<Program> => {
    const inside = await node.spawn([process.execPath, mainFile, role], { env: { LOG_LEVEL: 'debug', ...env } })
    const started = program(node, inside)
    programs.add(started)
    inside.exited.then(() => programs.delete(started))
    return started
  }
  const forwardOf = async (node: LabNode) => {
    const forward = forwards.get(node) ?? (await node.forward(8000))
    forwards.set(node, forward)
    return forward.url
  }

  return {
    lab,
    networkDir,
    tokens,
    cliTokenFile,
    define: async (name, yaml) => await writeFile(join(networkDir, `${name}.yaml`), yaml),
    undefine: async (name) => await rm(join(networkDir, `${name}.yaml`), { force: true }),
    async startController(node, env = {}) {
      const url = await forwardOf(node)
      const files = { ORRERY_TOKEN_FILE: tokenFile, ORRERY_NETWORK_DIR: networkDir }
      const started = await start(node, 'serve', { ...files, ...env })
      const controller: NodeController = { ...started, url, call: caller(url, tokens.admin) }
      const isReady = async () => {
        const { status } = await controller.call('GET', '/readyz').catch(() => ({ status: 0 }))
        return status === 200
      }
      await eventually('the controller is ready', isReady, { timeoutMs: 90_000 }).catch((cause) => {
        throw new Error(`it said: ${controller.output().slice(-2000)}`, { cause })
      })
      return controller
    },
    startAgent: async (node, env = {}) => await start(node, 'agent', env),
    async orrery(node, args, env = {}) {
      const files = { ORRERY_CLI_TOKEN_FILE: cliTokenFile, ORRERY_NETWORK_DIR: networkDir }
      return await node.run([process.execPath, mainFile, ...args], { env: { ...files, ...env }, timeoutMs: 120_000 })
    },
    async close() {
      await Promise.all([...programs].map((one) => one.kill()))
      await Promise.all([...forwards.values()].map((forward) => forward.close()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function program(node: LabNode, inside: InsideProcess): Program {
  return {
    node,
    pid: inside.pid,
    output: inside.output,
    log: () =>
      inside
        .output()
        .split('\n')
        .flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line)] : [])),
    async stop() {
      inside.kill('SIGTERM')
      return (await inside.exited).code
    },
    async kill() {
      inside.kill('SIGKILL')
      await inside.exited
    },
  }
}

function caller(url: string, admin: string): NodeController['call'] {
  return async <Body>(
    method: Dispatcher.HttpMethod,
    path: string,
    { body, token = admin }: { body?: unknown; token?: string } = {},
  ) => {
    const answer = await request(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    return {
      status: answer.statusCode,
      body: (text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text) as Body,
    }
  }
}
