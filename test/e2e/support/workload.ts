/** A service that works, and clients that keep it busy. */
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabNode } from '../../lab/lab.ts'
import type { Gateway } from '../../lab/network/gateway.ts'
import { createService, policyLabels, runningTasks } from './services.ts'

const program = join(import.meta.dirname, '../workload')

/** Needs the image `orrery-lab/node`. The program is mounted from this checkout, which each node sees. */
export async function createWorkload(
  node: Pick<LabNode, 'api'>,
  { name, labels }: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): Promise<string> {
  return await createService(node, {
    name,
    labels: policyLabels(labels),
    template: {
      ContainerSpec: {
        Image: 'orrery-lab/node:latest',
        Args: ['node', '/workload/server.mjs'],
        Mounts: [{ Type: 'bind', Source: program, Target: '/workload', ReadOnly: true }],
        StopGracePeriod: 2e9,
      },
    },
    spec: {
      // In host mode without a number: each task gets a port of its own, and several fit on one node.
      EndpointSpec: { Mode: 'dnsrr', Ports: [{ Protocol: 'tcp', TargetPort: 8080, PublishMode: 'host' }] },
    },
  })
}

export interface Load {
  /** Requests in flight from here on, in all. */
  set(clients: number): void
  answered(): number
  /** Tasks come and go: a request to one that has just gone is repeated elsewhere. */
  failed(): number
  stop(): Promise<void>
}

/**
 * Clients of a service: each always has one request in flight, at the task that has fewest. They see the tasks as a
 * load balancer would, and send nothing after `forMs`.
 */
export function startLoad(deps: {
  readonly node: Pick<LabNode, 'api'>
  readonly addresses: ReadonlyMap<string, string>
  readonly gateway: Gateway
  readonly service: string
  readonly forMs: number
}): Load {
  const { node, addresses, gateway, service } = deps
  const deadline = Date.now() + deps.forMs
  const agent = new Agent({ keepAlive: true })
  const inFlight = new Map<string, number>()
  let clients = 0
  let running = 0
  let answered = 0
  let failed = 0
  let stopped = false

  const isOver = () => stopped || Date.now() > deadline
  const watchTasks = async () => {
    while (!isOver()) {
      const tasks = await runningTasks(node, service).catch(() => [])
      const targets = tasks.flatMap((task) => {
        const [host, port] = [addresses.get(task.NodeID), task.Status.PortStatus?.Ports?.[0]?.PublishedPort]
        return host !== undefined && port !== undefined ? [`${host}:${port}`] : []
      })
      for (const target of inFlight.keys()) if (!targets.includes(target)) inFlight.delete(target)
      for (const target of targets) if (!inFlight.has(target)) inFlight.set(target, 0)
      await sleep(250)
    }
  }
  const send = async (target: string) => {
    const count = (by: number) => inFlight.has(target) && inFlight.set(target, (inFlight.get(target) ?? 0) + by)
    count(1)
    const isDone = await work(`http://${target}/work`, gateway, agent)
    count(-1)
    if (isDone) answered += 1
    else failed += 1
    return isDone
  }
  const client = async () => {
    running += 1
    while (!isOver() && running <= clients) {
      const [least] = [...inFlight].sort(([, a], [, b]) => a - b)
      const isDone = least !== undefined && (await send(least[0]))
      if (!isDone) await sleep(50)
    }
    running -= 1
  }

  const watching = watchTasks()
  return {
    set(wanted) {
      clients = wanted
      for (let missing = clients - running; missing > 0; missing -= 1) void client()
    },
    answered: () => answered,
    failed: () => failed,
    async stop() {
      stopped = true
      await watching
      while (running > 0) await sleep(20)
      agent.destroy()
    },
  }
}

/** One request through the gateway, which takes the whole address as the path, as any HTTP proxy does. */
async function work(url: string, gateway: Gateway, agent: Agent): Promise<boolean> {
  const { hostname, port } = new URL(gateway.url)
  return await new Promise((resolve) => {
    const sent = request({ agent, host: hostname, port, path: url, timeout: 5_000 }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode === 200))
      answer.on('error', () => resolve(false))
    })
    sent.on('timeout', () => sent.destroy())
    sent.on('error', () => resolve(false))
    sent.end()
  })
}
