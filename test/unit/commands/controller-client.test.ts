import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { callController } from '../../../src/commands/controller-client.ts'
import { orbiterEvents } from '../../../src/commands/orbiter.ts'
import { fakeConsole } from './network/fake-session.ts'

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

/** A server that answers everything with `{}`; the requests that it got, and its address. */
async function controller(): Promise<{ readonly got: IncomingMessage[]; readonly host: string }> {
  const got: IncomingMessage[] = []
  const server = createServer((request, response) => {
    got.push(request)
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { got, host: `127.0.0.1:${port}` }
}

describe('the address of a controller', () => {
  const addresses = [
    { name: 'bare', url: 'http://HOST', path: '/v1/autoscaler', authorization: undefined },
    { name: 'with a path', url: 'http://HOST/orrery', path: '/orrery/v1/autoscaler', authorization: undefined },
    { name: 'with a slash at its end', url: 'http://HOST/a/b/', path: '/a/b/v1/autoscaler', authorization: undefined },
    {
      name: 'with a credential',
      url: 'http://me:s%40cret@HOST',
      path: '/v1/autoscaler',
      authorization: basic('me:s@cret'),
    },
    {
      name: 'with a token alone',
      url: 'http://:token@HOST/x',
      path: '/x/v1/autoscaler',
      authorization: basic(':token'),
    },
  ]
  it.each(addresses)('$name is called as it is written', async ({ url, path, authorization }) => {
    const { got, host } = await controller()
    const io = { ...fakeConsole().io, env: { ORRERY_URL: url.replace('HOST', host) } }
    await callController(io, { path: '/v1/autoscaler', query: { by: '2' } })
    expect(got.map((request) => request.url)).toEqual([`${path}?by=2`])
    expect(got[0]?.headers.authorization).toBe(authorization)
  })

  it("Orbiter's stream is asked for there too", async () => {
    const { got, host } = await controller()
    await orbiterEvents({ ...fakeConsole().io, env: { ORBITER_HOST: `http://me:token@${host}/below` } })
    expect(got[0]?.url).toBe('/below/v1/orbiter/events')
    expect(got[0]?.headers.authorization).toBe(basic('me:token'))
  })

  it('is named without its credential when nobody answers', async () => {
    const io = { ...fakeConsole().io, env: { ORRERY_URL: 'http://me:hunter2@127.0.0.1:1' } }
    const answer = callController(io, { path: '/v1/autoscaler' })
    await expect(answer).rejects.toThrow('no controller answers at http://127.0.0.1:1')
    await expect(answer).rejects.not.toThrow('hunter2')
  })
})
