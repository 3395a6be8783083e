import { describe, expect, it } from 'vitest'
import { parseTokenFile } from '../../../src/http/access/tokens.ts'
import { anAutoscaler, fakeScaler, recordingScaler } from '../../support/use-cases/fake-use-cases.ts'
import { server } from '../../support/use-cases/http.ts'

const access = { ...parseTokenFile('scale s3cret-of-ole ole\nscale nameless'), trustedCidrs: [] }
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

describe('who did it', () => {
  it.each([
    { name: 'a token with a name', secret: 's3cret-of-ole', caller: { name: 'ole', address: '127.0.0.1' } },
    { name: 'a token without one', secret: 'nameless', caller: { address: '127.0.0.1' } },
  ])('$name is known with a step, a count and a pause', async ({ secret, caller }) => {
    const { scaler, callers } = recordingScaler()
    let by: string | undefined
    const pausing = fakeScaler({
      ...scaler,
      pause: async (_name, wish) => {
        by = wish.by
        return anAutoscaler()
      },
    })
    const app = server({ scaler: pausing, access })
    const headers = bearer(secret)
    await app.inject({ method: 'POST', url: '/v1/autoscaler/web/up', headers })
    await app.inject({ method: 'PUT', url: '/v1/autoscaler/web/replicas', headers, payload: { replicas: 4 } })
    await app.inject({ method: 'POST', url: '/v1/orbiter/handle/web/web/up', headers })
    await app.inject({ method: 'POST', url: '/v1/autoscaler/web/pause', headers })
    expect(callers.slice(0, 2)).toEqual([caller, caller])
    expect(callers.every((one) => one?.address === '127.0.0.1')).toBe(true)
    expect(by).toBe(caller.name ?? caller.address)
  })

  it('is one line of the log for each change, with no secret in it', async () => {
    const lines: string[] = []
    const { scaler } = recordingScaler()
    const app = server({ scaler, access, lines })
    await app.inject({ method: 'POST', url: '/v1/autoscaler/web/up?reason=x', headers: bearer('s3cret-of-ole') })
    await app.inject({ method: 'GET', url: '/v1/autoscaler', headers: bearer('s3cret-of-ole') })
    await app.inject({ method: 'POST', url: '/v1/autoscaler/web/up', headers: bearer('wrong') })
    const audit = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'audit')
    expect(audit).toHaveLength(1)
    expect(audit[0]).toMatchObject({
      caller: { name: 'ole', address: '127.0.0.1' },
      method: 'POST',
      path: '/v1/autoscaler/web/up',
      status: 200,
    })
    expect(lines.join()).not.toContain('s3cret')
  })
})

it('the dashboard’s calls get no Basic challenge: the browser’s own dialog would open', async () => {
  const app = server({ access })
  const plain = await app.inject('/v1/autoscaler')
  expect(plain.statusCode).toBe(401)
  expect(String(plain.headers['www-authenticate'])).toContain('Basic')
  const asked = await app.inject({ url: '/v1/autoscaler', headers: { 'x-requested-with': 'orrery-ui' } })
  expect(asked.statusCode).toBe(401)
  expect(String(asked.headers['www-authenticate'])).not.toContain('Basic')
})
