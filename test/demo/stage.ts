/** What the tour needs: the lab, the built program, a service with a policy, and a controller. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execute } from '../lab/execute.ts'
import type { Lab, LabNode } from '../lab/lab.ts'
import { checkMachine } from '../lab/machine.ts'
import { type EngineKind, enginePackages } from '../lab/packages/engines.ts'
import { startLab } from '../lab/start-lab.ts'
import { labFolder, labNames } from '../lab/state.ts'
import { type DemoProgram, freePort, startDemoProgram, untilReady } from './programs.ts'
import { repository } from './repository.ts'
import type { Screen } from './screen.ts'

export type StageDeps = {
  screen: Screen
  signal: AbortSignal
  /** Takes what has to be undone at the end, whatever happens. */
  defer: (undo: () => Promise<void>) => void
}

/** The nodes' second link is on it, and the network of the demo. */
const LAN = { subnet: '10.40.0.0/16', gateway: '10.40.0.1', hostAddresses: true }

/** A Swarm of three managers, while the program is built. */
export async function bootLab({ screen, signal, defer }: StageDeps): Promise<{ lab: Lab; manager: LabNode }> {
  await checkMachine(screen.progress)
  const name = await freeName()
  const starting = startLab({ name, engine: await bestEngine(screen), lan: LAN, onProgress: screen.progress })
  // It clears up by itself when it fails.
  defer(() =>
    starting.then(
      (lab) => lab.down(),
      () => {},
    ),
  )
  const building = execute('npm', ['--prefix', repository, 'run', '--silent', 'build'])
  building.catch(() => {}) // told below
  const lab = await starting
  signal.throwIfAborted()
  screen.progress('building the program (npm run build)')
  await building
  const [manager] = lab.managers
  if (manager === undefined) throw new Error('a lab without managers')
  return { lab, manager }
}

export type DemoController = DemoProgram & { url: string }

/** Beside the engine of the first manager, inside that node; this machine reaches it by a forward. */
export async function startController(deps: StageDeps, lab: Lab, manager: LabNode): Promise<DemoController> {
  const logPath = join(labFolder(lab.name), 'controller.log')
  const env = { ORRERY_NETWORK_DIR: 'test/demo/networks' }
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  deps.screen.command(`${manager.hostname}$`, [...words, 'node dist/main.js serve'].join(' '))
  const controller = startDemoProgram({ node: manager, role: 'serve', env, logPath })
  deps.defer(controller.stop)
  const { url } = await manager.forward(8000, '127.0.0.1', await freePort())
  await untilReady(url)
  deps.screen.answer(`from this machine it is reached at ${url}; its log is ${logPath}`)
  return { ...controller, url }
}

/** One on every node. The first that ends by itself is `lost`. */
export async function startAgents({ screen, defer }: StageDeps, lab: Lab): Promise<{ lost: Promise<never> }> {
  const agents = lab.nodes.map((node) => {
    screen.command(`${node.hostname}$`, 'node dist/main.js agent')
    const logPath = join(labFolder(lab.name), `agent-${node.hostname}.log`)
    return startDemoProgram({ node, role: 'agent', env: {}, logPath })
  })
  for (const agent of agents) defer(agent.stop)
  return { lost: Promise.race(agents.map((agent) => agent.lost)) }
}

export const stackFile = async (): Promise<string> => await readFile(join(repository, 'test/demo/web.yml'), 'utf8')

/** `demo`, so that its nodes are demo-1 to demo-3, unless a lab of that name is up. */
async function freeName(): Promise<string> {
  const taken = await labNames()
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? 'demo' : `demo${number}`
    if (!taken.includes(name)) return name
  }
}

async function bestEngine(screen: Screen): Promise<EngineKind> {
  try {
    return (await enginePackages('new', screen.progress)).kind
  } catch (error) {
    screen.warn(`The newer engine cannot be had here, so this is the older one. ${(error as Error).message}`)
    return 'old'
  }
}
