/** A Consul that means no good, or something else at its address: what it answers costs an end, and is told as a fault. */
import type { RequestListener } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { createConsulServices } from '../../../src/adapters/consul/agent-services.ts'
import { createCatalog } from '../../../src/adapters/consul/catalog.ts'
import { connectConsul } from '../../../src/adapters/consul/consul-client.ts'
import { Fault } from '../../../src/foundation/errors.ts'
import { endlessly, listen } from '../servers.ts'

async function asked(listener: RequestListener) {
  const client = connectConsul({ address: `http://${await listen(listener)}`, token: () => 'the-token' })
  onTestFinished(() => client.close())
  const never = new AbortController().signal
  const catalog = createCatalog(client, () => 'orrery/lock')
  const services = createConsulServices(client)
  return {
    'the catalog': () => catalog.read(['node-1'], never),
    'its changes': () => catalog.watch(undefined, never),
    'a write': () => catalog.write([{ kind: 'delete-node', node: 'node-1', index: 1 }], 'session'),
    'the lock': () => catalog.lock.take('session'),
    "the lock's changes": () => catalog.lock.watch(undefined, never),
    'the services of the agent': () => services.list(),
  }
}

const faultOf = async (work: () => Promise<unknown>): Promise<string> => {
  const error = await work().then(
    (value) => new Error(`it answered ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  )
  return error instanceof Fault ? `${error.code}: ${error.message}` : `no fault: ${String(error)}`
}

const json = { 'content-type': 'application/json' }
const answers: readonly { readonly name: string; readonly listener: RequestListener; readonly says: RegExp }[] = [
  {
    name: 'without end',
    listener: (_, response) => endlessly(response),
    says: /^consul-unavailable: .*its answer is longer than 16777216 bytes/,
  },
  {
    name: 'half, and breaks off',
    listener: (_, response) => {
      response.writeHead(200, { ...json, 'content-length': 1000 }).write('[{')
      setTimeout(() => response.destroy(), 20)
    },
    says: /^consul-unavailable: .*its answer ended early/,
  },
  {
    name: 'elsewhere',
    listener: (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    says: /^consul-refused: .*302/,
  },
  { name: 'nothing, and hangs up', listener: (request) => request.socket.destroy(), says: /^consul-unavailable: / },
  {
    name: 'what is not JSON',
    listener: (_, response) => response.writeHead(200, json).end('<html>'),
    says: /^consul-unavailable: /,
  },
  {
    name: 'a megabyte of brackets',
    listener: (_, response) => response.writeHead(200, json).end('['.repeat(1_000_000)),
    says: /^consul-unavailable: /,
  },
]

it.each(answers)('answers $name: each call is a fault, and no memory', async ({ listener, says }) => {
  const calls = await asked(listener)
  const before = process.memoryUsage.rss()
  for (const [what, work] of Object.entries(calls))
    expect([what, await faultOf(work)]).toEqual([what, expect.stringMatching(says)])
  expect(process.memoryUsage.rss() - before).toBeLessThan(256 * 1024 * 1024)
})

it('is asked nothing with its token at another place that it names', async () => {
  const elsewhere: unknown[] = []
  const other = await listen((request, response) => {
    elsewhere.push(request.headers)
    response.end('[]')
  })
  const { 'the catalog': read } = await asked((_, response) =>
    response.writeHead(307, { location: `http://${other}/v1/catalog/nodes` }).end(),
  )
  expect(await faultOf(read)).toMatch(/307/)
  expect(elsewhere).toEqual([])
})

it.each([null, 7, 'x', [], [null], [7], { __proto__: null, Services: [null] }, [{ Node: '__proto__', Meta: 7 }]])(
  'what has another shape (%j) is nothing that was found',
  async (body) => {
    const calls = await asked((_, response) => response.writeHead(200, json).end(JSON.stringify(body)))
    expect([...(await calls['the catalog']()).values()].flatMap(({ services }) => [...services.keys()])).toEqual([])
    expect((await calls['its changes']()).index).toBe('0')
  },
)
