import { randomBytes } from 'node:crypto'
import { type Lab, openLab } from './lab.ts'
import { checkMachine } from './machine.ts'
import { checkLans, type Lan, setUpLans } from './network/lan.ts'
import { startKeeper } from './node/keeper.ts'
import { initOf, type LabPlace, loadArchives, planNode, startNode, writeHosts } from './node/start-node.ts'
import type { Progress } from './packages/cache.ts'
import { type EngineKind, enginePackages } from './packages/engines.ts'
import { type ImageName, imageArchive } from './packages/images.ts'
import { claimLab, clearLab, type LabRecord, writeRecord } from './state.ts'
import { formSwarm } from './swarm.ts'

export type LabOptions = {
  /** 1 to 5; default 3. */
  nodes?: number
  /** 1 to 3; default: as many as there are nodes, up to 3. */
  managers?: number
  engine?: EngineKind
  name?: string
  /** Loaded on every node before the lab is handed over. */
  images?: readonly ImageName[]
  /** Subnets on the second LAN, br1 and each eth1. Without, there is no address. */
  lan?: Lan | readonly Lan[]
  /** Keep the lab when this process ends. Otherwise it goes down with it, however it ends. */
  outlive?: boolean
  onProgress?: Progress
}

/** A Docker Swarm of real engines on this machine, in namespaces of its own. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const {
    nodes: count = 3,
    engine = 'new',
    onProgress = () => {},
    outlive = false,
    images = ['orrery-lab/web'],
    lan = [],
  } = options
  const lans = [lan].flat()
  checkLans(lans)
  const { managers = Math.min(3, count), name = `lab-${randomBytes(3).toString('hex')}` } = options
  if (!Number.isInteger(count) || count < 1 || count > 5) throw new Error(`nodes: 1 to 5, not ${count}`)
  if (!Number.isInteger(managers) || managers < 1 || managers > Math.min(3, count)) {
    throw new Error(`managers: 1 to ${Math.min(3, count)} of ${count} nodes, not ${managers}`)
  }
  await checkMachine(onProgress)
  const [packages, ...archives] = await Promise.all([
    enginePackages(engine, onProgress),
    ...images.map((image) => imageArchive(image, onProgress)),
  ])
  onProgress(`starting ${count} engine${count === 1 ? '' : 's'} ${packages.version} in lab ${name}`)
  const keeper = await claimLab(name, (at, subnet) => startKeeper({ folder: at, subnet, init: initOf(packages) }))
  const place: LabPlace = { name, subnet: keeper.subnet, pid: keeper.lab, packages, lans }
  try {
    const plans = [...Array(count).keys()].map((index) =>
      planNode(place, index + 1, index < managers ? 'manager' : 'worker'),
    )
    await Promise.all([writeHosts(place, plans), setUpLans(keeper.lab, lans)])
    const started = await Promise.all(plans.map((plan) => startNode(place, plan)))
    onProgress('forming the swarm')
    const [nodeIds] = await Promise.all([formSwarm(started), ...started.map(({ api }) => loadArchives(api, archives))])
    const record: LabRecord = {
      name,
      engine,
      engineVersion: packages.version,
      pid: keeper.lab,
      startedBy: process.pid,
      startedAt: new Date().toISOString(),
      images,
      lans,
      nodes: started.map(({ api: _, ...node }, index) => ({ ...node, nodeId: nodeIds[index] ?? '', joined: true })),
    }
    await writeRecord(record)
    if (outlive) keeper.letGo()
    return openLab(record)
  } catch (error) {
    await clearLab(name)
    throw error
  }
}
