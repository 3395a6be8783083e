import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../inside.ts'
import { type Lan, lanAddresses } from '../network/lan.ts'
import { labFolder, type NodeRecord } from '../state.ts'
import type { Engine } from './engine.ts'
import { processesInside, signalIfAlive } from './processes.ts'

export type RebootOptions = {
  /** As by a power cut: the engine is not asked to stop its containers. */
  hard?: boolean
}

export type RebootDeps = { lab: string; lans: readonly Lan[]; node: NodeRecord; engine: Engine }

/** Ends the engine and every other process of the node, makes of it a host that has just booted, and starts the engine. */
export async function reboot({ lab, lans, node, engine }: RebootDeps, { hard = false }: RebootOptions): Promise<void> {
  if (!hard) await engine.stop()
  for (const deadline = Date.now() + 30_000; ; await sleep(10)) {
    const left = processesInside(node.pid)
    if (left.length === 0) break
    if (Date.now() > deadline) throw new Error(`reboot of ${node.hostname}: ${left.length} processes do not end`)
    for (const pid of left) signalIfAlive(pid, 'SIGKILL')
  }
  const script = join(import.meta.dirname, 'reboot.sh')
  const addresses = [`${node.address}/24`, ...lanAddresses(lans, node.port)]
  await run(node.pid, ['sh', script, labFolder(lab), ...addresses], { check: true })
  await engine.start()
}
