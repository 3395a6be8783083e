/** `npm run demo`: the product on a real Swarm on this machine, a tour of calls, and a clean end whatever happens. */
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { createGuide } from './guide.ts'
import { endHelpers, Interrupted, listenForInterruption } from './interruption.ts'
import { giveNetworkTour } from './network-tour.ts'
import { createScreen } from './screen.ts'
import { bootLab, type DemoController, stackFile, startAgents, startController } from './stage.ts'
import { deployCommand, giveTour } from './tour.ts'

/** Longer than the lab's own start can take; only a fault gets there. */
const CLEAN_UP_TIMEOUT_MS = 60_000

const { once = false } = new Command('demo')
  .description('Boots a Swarm of three engines on this machine, and shows what Orrery does there. Needs root.')
  .option('--once', 'end after the tour instead of staying up until Ctrl-C')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ once?: true }>()

const screen = createScreen()
const { signal, comes } = listenForInterruption()
const undo: (() => Promise<void>)[] = []
const defer = (step: () => Promise<void>) => void undo.unshift(step)
let logOf: (() => Promise<string>) | undefined
let exitCode = 0

try {
  const started = performance.now()
  const show = showAll()
  show.catch(() => {}) // it may fail on its own once the race is lost
  const up = await Promise.race([show, comes])
  screen.title(`That was the tour: ${((performance.now() - started) / 1000).toFixed(0)} s in all`)
  if (!once) await stayUp(up)
} catch (error) {
  // Ctrl-C ends the programs that are being waited for as well: their failure may be seen before the signal.
  await sleep(100)
  exitCode = await explain(signal.reason ?? error)
}
exitCode = Math.max(exitCode, await cleanUp())
process.exit(exitCode)

type Up = { hostname: string; labName: string; controller: DemoController }

async function showAll(): Promise<Up> {
  screen.title('Orrery: autoscaling and routable containers for Docker Swarm')
  screen.say('First a real Swarm: three engines on this machine, in namespaces of their own.')
  const { lab, manager } = await bootLab({ screen, signal, defer })
  const { hostname } = manager
  screen.say(`\nEngine ${lab.engineVersion}. Lines after ${hostname}$ are typed inside the first of three managers.`)

  screen.title('A service with a policy')
  screen.say('The policy is labels in the stack file; nothing else is configured. test/demo/web.yml:')
  screen.answer(`\n${(await stackFile()).trimEnd().replace(/^(?=.)/gm, '  ')}`)
  await createGuide({ screen, url: '', manager, signal }).docker(...deployCommand)

  screen.title('The controller')
  screen.say("Here a plain process beside the first manager's engine; docker-compose.yml runs it as a Swarm service.")
  const controller = await startController({ screen, signal, defer }, lab, manager)
  logOf = controller.lastLog
  const guide = createGuide({ screen, url: controller.url, manager, signal })
  const { step, say, progress } = screen
  await Promise.race([giveTour({ guide, step, progress, signal }), controller.lost])
  let agentLost = new Promise<never>(() => {})
  const agents = async () => {
    agentLost = (await startAgents({ screen, signal, defer }, lab)).lost
    agentLost.catch(() => {})
  }
  await Promise.race([
    giveNetworkTour({ guide, lab, step, say, progress, startAgents: agents, signal }),
    controller.lost,
  ])
  return { hostname, labName: lab.name, controller }
}

/** Until Ctrl-C. Throws when the controller ends before. */
async function stayUp({ hostname, labName, controller }: Up): Promise<void> {
  screen.say('It stays up. From another terminal, in this folder:\n')
  const commands = [
    `curl -s -X POST ${controller.url}/v1/autoscaler/demo_web/down`,
    `${controller.url.endsWith(':8000') ? '' : `ORRERY_URL=${controller.url} `}node dist/main.js ls`,
    `curl -sN ${controller.url}/v1/event`,
    `npm run lab -- exec ${hostname} docker service ps demo_web`,
    `npm run lab -- status ${labName}`,
  ]
  for (const command of commands) screen.say(`  ${command}`)
  screen.say(`\nIn a browser on this machine: ${controller.url}/docs`)
  screen.title('Ctrl-C ends it and cleans everything up.')
  await Promise.race([comes.catch(() => {}), controller.lost])
}

/** Says why it ends early; the exit code. */
async function explain(error: unknown): Promise<number> {
  if (error instanceof Interrupted) {
    screen.warn(`\n${error.message}`)
    return 128 + constants.signals[error.signalName]
  }
  screen.warn(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
  if (logOf !== undefined) screen.say(`The controller's log ends with\n${await logOf()}`)
  return 1
}

async function cleanUp(): Promise<number> {
  screen.progress('cleaning up')
  if (signal.aborted) endHelpers()
  const timeout = sleep(CLEAN_UP_TIMEOUT_MS).then(() => {
    throw new Error(`it takes longer than ${CLEAN_UP_TIMEOUT_MS / 1000} s`)
  })
  try {
    for (const step of undo) await Promise.race([step(), timeout])
    screen.say('All is gone: no process, mount, namespace or file is left.')
    return 0
  } catch (error) {
    screen.warn(`The end is not clean: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
}
