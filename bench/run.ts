/** `npm run bench`: what speed the product has here, measured on a Swarm of its own. docs/performance.md explains the figures. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { setup as build } from '../test/e2e/support/build.ts'
import { endControllers } from '../test/e2e/support/controller.ts'
import type { EngineKind } from '../test/lab/packages/engines.ts'
import { measureManyUps, measureTwoControllers } from './calls/many-ups.ts'
import { measureNotifications } from './calls/notifications.ts'
import { measureList } from './calls/reads.ts'
import { measureRefusals } from './calls/refusals.ts'
import { measureWrites } from './calls/write.ts'
import { measureDashboard } from './dashboard.ts'
import { measureDiscovery } from './discovery.ts'
import { measureCrowd } from './doors/crowd.ts'
import { measureDoors } from './doors/doors.ts'
import type { Figure } from './figure.ts'
import { measureIdle } from './idle.ts'
import { measureLoad } from './measured-load.ts'
import { measureNetworkNode } from './nodes/network-node.ts'
import { measureManyTasks, measureThousandAgents } from './nodes/thousand-agents.ts'
import { measureMemory, measureStart } from './process.ts'
import { hasFailed, jsonOf, tableOf } from './report.ts'
import { createStage, type Stage } from './stage.ts'

interface Options {
  readonly services: readonly number[]
  readonly engine: EngineKind
  readonly json?: true
  readonly quick?: true
  readonly only?: Part
}

const PARTS = [
  'writes',
  'controller',
  'network',
  'nodes',
  'tasks',
  'discovery',
  'load',
  'crowd',
  'doors',
  'dashboard',
  'identity',
] as const
type Part = (typeof PARTS)[number]

const LISTED = 500

const { services, engine, json, quick, only } = new Command('bench')
  .description('Measures the controller on a lab of three managers, and networks. Needs root; takes about 8 minutes.')
  .option('--services <counts>', 'with how many services, a comma list', wholeNumbers, [10, 1000])
  .addOption(new Option('--engine <engine>', 'which engine').choices(['new', 'old']).default('new'))
  .option('--json', 'print JSON instead of a table')
  .addOption(
    new Option('--only <part>', 'writes: from a call to the committed write; controller: without networks').choices(
      PARTS,
    ),
  )
  .option('--quick', 'fewer rounds: about 4 minutes, with rougher figures')
  .parse()
  .opts<Options>()

const startedAt = performance.now()
const secondsSoFar = () => Math.round((performance.now() - startedAt) / 1000)
const progress = (line: string) => console.error(`${String(secondsSoFar()).padStart(4)} s  ${line}`)

// However this ends: labs go with their process, controllers do not.
process.on('exit', endControllers)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
progress('building')
await build()
const options = { engine, quick: quick === true, progress }
const wants = (...parts: Part[]) => only === undefined || parts.includes(only)
let engineVersion = 'none'
const figures = wants('writes', 'controller') ? await measureController() : []
if (wants('network')) figures.push(...(await measureNetworkNode(options)))
if (wants('nodes')) figures.push(...(await measureThousandAgents(options)))
// Apart: it needs a Consul, which is fetched once, and a lab of its own for five minutes.
if (only === 'discovery') figures.push(...(await measureDiscovery(options)))
// Apart: a cgroup of its own, and the machine's two cores for two minutes.
if (only === 'crowd') figures.push(...(await measureCrowd(options)))
// The part nodes twice: agents known by a token over plain HTTP, and by certificates over mutual TLS.
if (only === 'identity')
  for (const proof of ['token', 'certificate'] as const)
    figures.push(...(await measureThousandAgents({ ...options, proof, ...(quick && { nodes: 100 }) })))
if (only === 'dashboard') figures.push(...(await measureDashboard(options)))
if (only === 'doors') figures.push(...(await measureDoors(options)))
if (wants('load')) figures.push(...(await measureLoad(options)))
if (wants('tasks')) figures.push(...(await measureManyTasks(options)))
const report = { engine: engineVersion, tookSeconds: secondsSoFar(), figures }
console.log(json ? jsonOf(report) : tableOf(report))
if (hasFailed(report)) process.exitCode = 1

async function measureController(): Promise<Figure[]> {
  const stage = await createStage(options)
  try {
    engineVersion = `${stage.engineVersion}, 3 managers`
    return await measureAll(stage)
  } finally {
    await stage.close()
  }
}

/** Services are only ever added, so the figures come in the order of how many they want. */
async function measureAll(on: Stage): Promise<Figure[]> {
  const figures: Figure[] = []
  const [most, writes] = [Math.max(...services), only === 'writes']
  for (const count of [...services].sort((a, b) => a - b)) {
    if (!writes && count >= LISTED && !figures.some(isList)) figures.push(...(await listed(on, LISTED)))
    await on.populate(count)
    figures.push(...(await measureWrites(on, count)))
  }
  if (writes) return figures
  if (!figures.some(isList)) figures.push(...(await listed(on, LISTED)))
  figures.push(...(await measureManyUps(on)), ...(await measureTwoControllers(on)), ...(await measureRefusals(on)))
  figures.push(...(await measureStart(on, Math.max(most, LISTED))))
  figures.push(...(await measureIdle(on, Math.max(most, LISTED))), ...measureMemory(on, Math.max(most, LISTED)))
  figures.push(...(await measureNotifications(on))) // last: it leaves 200 services behind
  return figures
}

async function listed(on: Stage, count: number): Promise<Figure[]> {
  await on.populate(count)
  return await measureList(on, count)
}

function isList({ name }: Figure): boolean {
  return name.startsWith('GET ')
}

function wholeNumbers(text: string): number[] {
  const counts = text.split(',').map(Number)
  if (counts.every((count) => Number.isInteger(count) && count > 0)) return counts
  throw new InvalidArgumentError('whole numbers above 0, please, as 10,1000')
}
