import { rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from '../inside.ts'

/** A port of a node, reachable on this machine's loopback. */
export type Forward = { url: string; port: number; close(): Promise<void> }

export type ForwardDeps = { pid: number; folder: string; host: string; port: number; localPort?: number }

let opened = 0

/** A node has no link to this machine's network; a unix socket is a file and reaches across. */
/** `localPort`: on this machine; any free one where it is not said. */
export async function forward({ pid, folder, host, port, localPort = 0 }: ForwardDeps): Promise<Forward> {
  opened += 1
  const socketPath = join(folder, `forward-${process.pid}-${opened}.sock`)
  const script = join(import.meta.dirname, 'forward-inside.mjs')
  const inside = await start(pid, [process.execPath, script, socketPath, host, String(port)])
  let over = false
  inside.exited.then(() => {
    over = true
  })
  while (!inside.output().includes('ready')) {
    if (over) throw new Error(`forward to ${host}:${port}: ${inside.output()}`)
    await sleep(5)
  }
  const server = createServer((client) => {
    const tunnel = connect(socketPath)
    client.pipe(tunnel).pipe(client)
    client.on('error', () => tunnel.destroy()).on('close', () => tunnel.destroy())
    tunnel.on('error', () => client.destroy()).on('close', () => client.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(localPort, '127.0.0.1', resolve)
  })
  server.unref()
  const local = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${local}`,
    port: local,
    async close() {
      server.close()
      inside.kill()
      await inside.exited
      await rm(socketPath, { force: true })
    },
  }
}
