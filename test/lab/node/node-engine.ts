import { join } from 'node:path'
import Docker from 'dockerode'
import { labFolder, type NodeRecord } from '../state.ts'
import { engine } from './engine.ts'

/** The engine of a node, and its API. */
export const engineOf = (labName: string, node: Pick<NodeRecord, 'hostname' | 'pid' | 'socketPath' | 'port'>) => {
  const api = new Docker({ socketPath: node.socketPath })
  const logPath = join(labFolder(labName), `${node.hostname}.log`)
  const cgroup = `orrery-lab-${labName}/${node.port}`
  return { api, logPath, engine: engine({ api, pid: node.pid, socketPath: node.socketPath, logPath, cgroup }) }
}
