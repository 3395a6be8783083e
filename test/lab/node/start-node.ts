import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import { execute } from '../execute.ts'
import { type Lan, lanAddresses } from '../network/lan.ts'
import { plugIn } from '../network/network.ts'
import { loadArchive } from '../packages/archive.ts'
import type { EnginePackages } from '../packages/engines.ts'
import { labFolder, type NodeRecord } from '../state.ts'
import { engineOf } from './node-engine.ts'

export type LabPlace = {
  name: string
  /** First three numbers of the nodes' addresses. */
  subnet: string
  /** First process of the lab. */
  pid: number
  packages: EnginePackages
  lans: readonly Lan[]
}

/** The checkout and where temporary files go, if they lie in what each node has a copy of. */
const checkout = join(import.meta.dirname, '../../..')
const sharedFolders = [...new Set([checkout, tmpdir()])].filter((path) => /^\/(usr|etc|var|run)\//.test(path))

/** Reaps orphans as the first process of a namespace; static, so it needs none of the packages' libraries. */
export const initOf = (packages: EnginePackages) => join(packages.folder, 'usr/bin/tini-static')

/** What node `number` of a lab is called and where it is; the first is 1. */
export function planNode(lab: LabPlace, number: number, role: NodeRecord['role']) {
  const hostname = `${lab.name}-${number}`
  return {
    ...{ hostname, port: `${number}`, address: `${lab.subnet}.${10 + number}`, role },
    socketPath: join(labFolder(lab.name), `${hostname}.sock`),
  }
}

type HostName = Pick<NodeRecord, 'address' | 'hostname'>
export type NodePlan = ReturnType<typeof planNode>
export type StartedNode = NodePlan & { pid: number; api: Docker }

/** The names that a node started from now on knows. */
export async function writeHosts(lab: Pick<LabPlace, 'name'>, plans: readonly HostName[]): Promise<void> {
  const lines = plans.map(({ address, hostname }) => `${address} ${hostname}`)
  const text = ['127.0.0.1 localhost', '::1 localhost', ...lines, ''].join('\n')
  await writeFile(join(labFolder(lab.name), 'hosts'), text)
}

/** Makes the node's namespaces, plugs it in and starts its engine. */
export async function startNode(lab: LabPlace, plan: NodePlan): Promise<StartedNode> {
  const pid = await makeNamespaces(lab, plan)
  const eth1 = lanAddresses(lab.lans, plan.port)
  await plugIn({ lab: lab.pid, node: pid, port: plan.port }, { eth0: `${plan.address}/24`, eth1 })
  const { api, engine } = engineOf(lab.name, { ...plan, pid })
  await engine.start()
  return { ...plan, pid, api }
}

export async function loadArchives(api: Docker, archives: readonly string[]): Promise<void> {
  await Promise.all(archives.map((archive) => loadArchive(api, archive)))
}

/** The pid of the node's first process. */
async function makeNamespaces(lab: LabPlace, { hostname }: NodePlan): Promise<number> {
  const folder = labFolder(lab.name)
  const script = join(import.meta.dirname, 'node.sh')
  const log = join(folder, `${hostname}-boot.log`)
  const unshare = ['unshare', '--pid', '--fork', '--kill-child', '--mount', '--net', '--uts', '--ipc']
  const boot = ['sh', script, folder, hostname, lab.packages.folder, initOf(lab.packages), ...sharedFolders]
  // `setsid --fork` hands it to the lab's first process, so that it ends with the lab and is nobody's child outside.
  const line = 'exec setsid --fork "$@" >"$0" 2>&1'
  await execute('nsenter', [`--target=${lab.pid}`, '--pid', '--', 'sh', '-c', line, log, ...unshare, ...boot])
  const answer = await firstLine(join(folder, `${hostname}.pid`), 20_000)
  const pid = Number(answer)
  if (!Number.isInteger(pid)) {
    throw new Error(`node ${hostname} did not come up:\n${await readFile(log, 'utf8').catch(() => '')}`)
  }
  return pid
}

/** Waits for a file that appears with its content; undefined if it does not. */
async function firstLine(path: string, timeoutMs: number): Promise<string | undefined> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(5)) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (text.endsWith('\n')) return text.trim()
  }
  return undefined
}
