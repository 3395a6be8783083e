import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabNode } from '../lab.ts'

/** A way for this machine's programs to every address of the lab. */
export type Gateway = { url: string; close(): Promise<void> }

/**
 * An HTTP proxy inside a node, on this machine's loopback. One forward reaches one port, which is too little for what
 * comes and goes with its own address, such as a service's tasks.
 */
export async function startGateway(node: Pick<LabNode, 'spawn' | 'forward'>): Promise<Gateway> {
  const inside = await node.spawn([process.execPath, join(import.meta.dirname, 'gateway-inside.mjs')])
  let over = false
  inside.exited.then(() => {
    over = true
  })
  let port: string | undefined
  while (port === undefined) {
    if (over) throw new Error(`gateway: ${inside.output()}`)
    await sleep(5)
    port = /port (\d+)/.exec(inside.output())?.[1]
  }
  const outside = await node.forward(Number(port))
  return {
    url: outside.url,
    async close() {
      await outside.close()
      inside.kill()
      await inside.exited
    },
  }
}
