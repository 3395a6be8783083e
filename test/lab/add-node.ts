import { run } from './inside.ts'
import { loadArchives, planNode, startNode, writeHosts } from './node/start-node.ts'
import { enginePackages } from './packages/engines.ts'
import { type ImageName, imageArchive } from './packages/images.ts'
import { type LabRecord, type NodeRecord, writeRecord } from './state.ts'

export type AddNodeOptions = {
  /** Default: worker. */
  role?: NodeRecord['role']
  /** On the node before it joins. Default: what the lab was started with. */
  images?: readonly (ImageName | string)[]
  /** Default: true. Otherwise `lab.rejoin(node)` has it join. */
  join?: boolean
}

/** Starts one more node and notes it in the record, which is changed. It has not joined yet. */
export async function addNode(lab: LabRecord, { role = 'worker', images = lab.images }: AddNodeOptions = {}) {
  const [packages, ...archives] = await Promise.all([
    enginePackages(lab.engine),
    ...images.map((image) => imageArchive(image)),
  ])
  const subnet = lab.nodes[0]?.address.replace(/\.\d+$/, '') ?? ''
  const place = { name: lab.name, subnet, pid: lab.pid, packages, lans: lab.lans }
  const number = Math.max(...lab.nodes.map(({ port }) => Number(port))) + 1
  if (number > MOST) throw new Error(`a lab has ${MOST} nodes at most`)
  const plan = planNode(place, number, role)
  await writeHosts(place, [...lab.nodes, plan])
  const { api, ...started } = await startNode(place, plan)
  const line = `echo ${plan.address} ${plan.hostname} >>/etc/hosts`
  await Promise.all([
    loadArchives(api, archives),
    ...lab.nodes.map(({ pid }) => run(pid, ['sh', '-c', line], { check: true })),
  ])
  const record: NodeRecord = { ...started, nodeId: '', joined: false }
  lab.nodes.push(record)
  await writeRecord(lab)
  return record
}

/** Its number is part of its addresses: see lan.ts for the narrowest room. */
const MOST = 9
