/** Lists that are longer than what is held in memory at once. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectEngine } from '../../../../src/adapters/swarm/engine/engine-connection.ts'

/** An engine that answers each call so. */
async function engineThat(answers: (response: ServerResponse) => Promise<void>) {
  const server = createServer((_request, response) => {
    answers(response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const engine = connectEngine({ host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` })
  onTestFinished(() => {
    engine.close()
    server.closeAllConnections()
    server.close()
  })
  return engine
}

const call = (timeoutMs: number) => ({ method: 'GET' as const, path: '/tasks', endpoint: '/tasks', timeoutMs })
const item = (index: number) => `{"ID":"t${index}","Version":{"Index":1},"Text":"${'x'.repeat(2000)}"}`

describe('a long list', () => {
  it('of 80 MB is read while everybody else goes on, and no more of it is held than an item', async () => {
    const items = 40_000
    const engine = await engineThat(async (response) => {
      response.write('[')
      for (let index = 0; index < items; index += 100) {
        const some = Array.from({ length: 100 }, (_, more) => item(index + more)).join()
        if (!response.write(index === 0 ? some : `,${some}`)) await once(response, 'drain')
      }
      response.end(']')
    })
    let turns = 0
    const turn = () => {
      turns += 1
      next = setImmediate(turn)
    }
    let next = setImmediate(turn)
    let [read, longest] = [0, 0]
    await engine.list(call(5_000), (bytes) => {
      read += 1
      longest = Math.max(longest, bytes.length)
    })
    clearImmediate(next)
    expect([read, longest < 3_000]).toEqual([items, true])
    expect(turns).toBeGreaterThan(100)
  })

  it('may take longer than the time limit, as long as more of it comes', async () => {
    const engine = await engineThat(async (response) => {
      response.write('[')
      for (let index = 0; index < 8; index += 1) {
        await sleep(60)
        response.write(`${index === 0 ? '' : ','}${item(index)}`)
      }
      response.end(']')
    })
    let read = 0
    await engine.list(call(250), () => {
      read += 1
    })
    expect(read).toBe(8)
  })

  it('that stalls is given up, one that breaks off or is none is not believed', async () => {
    const stalls = await engineThat(async (response) => void response.write(`[${item(1)}`))
    await expect(stalls.list(call(80), () => undefined)).rejects.toMatchObject({ failure: 'unanswered' })
    const breaks = await engineThat(async (response) => {
      response.writeHead(200, { 'Content-Length': 5000 }).write(`[${item(1)}`)
      await sleep(20)
      response.destroy()
    })
    await expect(breaks.list(call(500), () => undefined)).rejects.toMatchObject({ failure: 'unanswered' })
    const half = await engineThat(async (response) => void response.end(`[${item(1)}`))
    await expect(half.list(call(500), () => undefined)).rejects.toMatchObject({ failure: 'malformed' })
    const refusing = await engineThat(async (response) => {
      response.writeHead(503).end('{"message":"not now"}')
    })
    await expect(refusing.list(call(500), () => undefined)).rejects.toMatchObject({ failure: 'status', status: 503 })
  })

  it('whose items cannot be read is malformed, and nothing is read after that', async () => {
    const engine = await engineThat(async (response) => void response.end(`[${item(1)},${item(2)}]`))
    let read = 0
    const take = () => {
      read += 1
      throw new TypeError('no')
    }
    await expect(engine.list(call(500), take)).rejects.toMatchObject({ failure: 'malformed' })
    expect(read).toBe(1)
  })
})
