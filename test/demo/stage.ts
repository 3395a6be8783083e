/** What the tour needs: the lab, the built program, a service with a policy, and a controller. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EngineKind, enginePackages } from '../lab/engines.ts'
import { execute } from '../lab/execute.ts'
import type { Lab, LabNode } from '../lab/lab.ts'
import { checkMachine } from '../lab/machine.ts'
import { startLab } from '../lab/start-lab.ts'
import { labFolder, labNames } from '../lab/state.ts'
import { type DemoController, freeAddress, startDemoController } from './controller-process.ts'
import { repository } from './repository.ts'
import type { Screen } from './screen.ts'

export type StageDeps = {
  screen: Screen
  signal: AbortSignal
  /** Takes what has to be undone at the end, whatever happens. */
  defer: (undo: () => Promise<void>) => void
}

/** A Swarm of three managers, while the program is built. */
export async function bootLab({ screen, signal, defer }: StageDeps): Promise<{ lab: Lab; manager: LabNode }> {
  await checkMachine(screen.progress)
  const name = await freeName()
  const starting = startLab({ name, engine: await bestEngine(screen), onProgress: screen.progress })
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

export async function startController(deps: StageDeps, lab: Lab, manager: LabNode): Promise<DemoController> {
  const listen = await freeAddress()
  const logPath = join(labFolder(lab.name), 'controller.log')
  const env = { DOCKER_HOST: `unix://${manager.socketPath}`, ORRERY_LISTEN: listen }
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  deps.screen.command('$', [...words, 'node dist/main.js serve'].join(' '))
  const controller = startDemoController({ url: `http://${listen}`, env, logPath })
  deps.defer(controller.stop)
  await controller.ready()
  deps.screen.answer(`it listens on ${controller.url}; its log is ${logPath}`)
  return controller
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
    screen.warn(`The newer engine can not be had here, so this is the older one. ${(error as Error).message}`)
    return 'old'
  }
}
