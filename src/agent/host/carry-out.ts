/** Takes the steps of one node, and says of the first that fails why. */

import { Fault } from '../../foundation/errors.ts'
import type { ReportedFault } from '../../swarm/node-report.ts'
import { HostFault } from '../host-fault.ts'
import type { NodeStep } from '../plan/host.ts'
import type { AgentMemory, Host, LocalEngine } from '../ports.ts'

export interface CarryOutDeps {
  readonly host: Host
  readonly engine: Pick<LocalEngine, 'createNetwork' | 'removeNetwork'>
  readonly memory: Pick<AgentMemory, 'promiscuous' | 'keepPromiscuous'>
}

export interface Carried {
  readonly done: readonly NodeStep[]
  /** What kept the next one from being taken. */
  readonly fault?: ReportedFault
}

/** Stops at the first step that fails. Never throws. */
export async function carryOut(steps: readonly NodeStep[], deps: CarryOutDeps): Promise<Carried> {
  const done: NodeStep[] = []
  for (const step of steps) {
    try {
      await take(step, deps)
      done.push(step)
    } catch (error) {
      return { done, fault: faultOf(step, error) }
    }
  }
  return { done }
}

async function take(step: NodeStep, { host, engine, memory }: CarryOutDeps): Promise<void> {
  switch (step.do) {
    case 'create-network':
      return await engine.createNetwork(step.network)
    case 'remove-network':
      return await engine.removeNetwork(step.id)
    case 'set-promiscuous': {
      const others = [...memory.promiscuous()].filter((link) => link !== step.link)
      // Before: what was switched on and forgotten would stay on for good.
      if (step.isOn) await memory.keepPromiscuous(new Set([...others, step.link]))
      await host.carryOut(step)
      if (!step.isOn) await memory.keepPromiscuous(new Set(others))
      return
    }
    default:
      return await host.carryOut(step)
  }
}

function faultOf(step: NodeStep, error: unknown): ReportedFault {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof HostFault) {
    if (error.code !== 'kind-unknown') return { code: error.code, message }
    if (step.do === 'make-vlan') {
      return { code: 'vlan-impossible', message: `${message} VLAN links need the module 8021q: modprobe 8021q.` }
    }
    return { code: 'driver-impossible', message }
  }
  const isRefused = error instanceof Fault && error.code === 'write-rejected'
  return { code: isRefused ? 'engine-refused' : 'engine-away', message }
}
