import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../../../src/autoscaling/decision/decision.ts'
import { Fault, type FaultCode } from '../../../../src/foundation/errors.ts'
import { aDecision, fakeScaler, recordingScaler, T0 } from '../../../support/use-cases/fake-use-cases.ts'
import { server } from '../../../support/use-cases/http.ts'

const UP = '/v1/autoscaler/web/up'

describe('a step', () => {
  it('is asked for with nothing but a path, and answered with the decision as the contract writes it', async () => {
    const { scaler, requests } = recordingScaler(() =>
      aDecision({
        outcome: 'unchanged',
        code: 'at-max',
        limits: [{ stage: 'max', before: 12, after: 10, reason: 'max is 10' }],
        retryAtMs: T0 + 1500,
      }),
    )
    const answer = await server({ scaler }).inject({ method: 'POST', url: UP })
    expect(requests).toEqual([{ name: 'web', request: { kind: 'step', origin: 'call', direction: 'up' } }])
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(answer.json()).toEqual({
      autoscaler: 'web',
      service: 'web',
      outcome: 'unchanged',
      code: 'at-max',
      reason: 'one step up',
      from: 3,
      to: 4,
      wanted: 4,
      limits: [{ stage: 'max', before: 12, after: 10, reason: 'max is 10' }],
      retryAt: '2026-01-31T12:00:01.500Z',
      at: '2026-01-31T12:00:00.000Z',
    })
  })

  it('says nothing of code and retryAt when the decision has none', async () => {
    const { scaler } = recordingScaler()
    const answer = await server({ scaler }).inject({ method: 'POST', url: UP })
    expect(Object.keys(answer.json())).not.toContain('code')
    expect(Object.keys(answer.json())).not.toContain('retryAt')
  })

  const asked: {
    name: string
    inject: { method?: 'PUT'; url: string; payload?: string | object; headers?: Record<string, string> }
    step: object
  }[] = [
    { name: 'PUT is as good as POST', inject: { method: 'PUT', url: UP }, step: { direction: 'up' } },
    { name: 'down goes down', inject: { url: '/v1/autoscaler/web/down' }, step: { direction: 'down' } },
    { name: 'a trailing slash is no other path', inject: { url: `${UP}/` }, step: { direction: 'up' } },
    {
      name: 'doubled slashes are no other path',
      inject: { url: '//v1//autoscaler/web/up' },
      step: { direction: 'up' },
    },
    { name: 'by in the query', inject: { url: `${UP}?by=3` }, step: { by: { kind: 'count', count: 3 } } },
    {
      name: 'by in per cent in the query',
      inject: { url: `${UP}?by=25%25` },
      step: { by: { kind: 'percent', percent: 25 } },
    },
    {
      name: 'by in per cent that nobody encoded',
      inject: { url: `${UP}?by=25%` },
      step: { by: { kind: 'percent', percent: 25 } },
    },
    {
      name: 'by as a number in the body',
      inject: { url: UP, payload: { by: 2 } },
      step: { by: { kind: 'count', count: 2 } },
    },
    {
      name: 'by as a text in the body',
      inject: { url: UP, payload: { by: '50%' } },
      step: { by: { kind: 'percent', percent: 50 } },
    },
    {
      name: 'the query wins over the body',
      inject: { url: `${UP}?by=3`, payload: { by: 2 } },
      step: { by: { kind: 'count', count: 3 } },
    },
    {
      name: 'the most there can be',
      inject: { url: `${UP}?by=1000000000` },
      step: { by: { kind: 'count', count: 1e9 } },
    },
    { name: 'a reason in the query', inject: { url: `${UP}?reason=black%20friday` }, step: { note: 'black friday' } },
    { name: 'a reason in the body', inject: { url: UP, payload: { reason: 'x' } }, step: { note: 'x' } },
    { name: 'a blank reason is none', inject: { url: UP, payload: { reason: '  ' } }, step: {} },
    { name: 'an unknown field is left alone', inject: { url: UP, payload: { monitor: { name: 'kuma' } } }, step: {} },
    { name: 'the direction of the path once more', inject: { url: UP, payload: { direction: 'up' } }, step: {} },
    { name: 'a JSON null', inject: { url: UP, payload: 'null' }, step: {} },
    { name: 'a body of white space', inject: { url: UP, payload: ' \n' }, step: {} },
  ]
  it.each(asked)('$name', async ({ inject, step }) => {
    const { scaler, requests } = recordingScaler()
    const answer = await server({ scaler }).inject({ method: 'POST', ...inject })
    expect(answer.statusCode, answer.body).toBe(200)
    expect(requests).toHaveLength(1)
    expect(requests[0]?.request).toEqual({ kind: 'step', origin: 'call', direction: 'up', ...step })
  })

  const types = [
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/json',
    'nonsense',
    ';;;',
    'multipart/form-data',
  ]
  it.each(types)('reads an empty body and a JSON body whatever Content-Type says: %s', async (type) => {
    const { scaler, requests } = recordingScaler()
    const app = server({ scaler })
    const headers = { 'content-type': type }
    const empty = await app.inject({ method: 'POST', url: UP, headers, payload: '' })
    const chunked = await app.inject({
      method: 'POST',
      url: UP,
      headers: { ...headers, 'transfer-encoding': 'chunked' },
      payload: '',
    })
    const json = await app.inject({ method: 'POST', url: UP, headers, payload: '{"by":2}' })
    expect([empty.statusCode, chunked.statusCode, json.statusCode]).toEqual([200, 200, 200])
    expect(requests[2]?.request).toMatchObject({ by: { kind: 'count', count: 2 } })
  })
})

describe('an Idempotency-Key', () => {
  const keyOf = async (url: string, headers: Record<string, string>, payload?: object) => {
    const { scaler, requests } = recordingScaler()
    const answer = await server({ scaler }).inject({ method: 'POST', url, headers, ...(payload && { payload }) })
    expect(answer.statusCode, answer.body).toBe(200)
    const request = requests[0]?.request
    return request?.kind === 'step' ? request.key : undefined
  }

  it('is remembered as a hash of 64 bits and one of 12', async () => {
    const key = await keyOf(UP, { 'idempotency-key': 'one' })
    expect(key?.hash).toMatch(/^[A-Za-z0-9_-]{11}$/)
    expect(key?.wish).toMatch(/^[A-Za-z0-9_-]{2}$/)
  })

  it('gives the same hash for another direction or by, and another wish, so that a reuse can be told', async () => {
    const first = await keyOf(UP, { 'idempotency-key': 'one' })
    const down = await keyOf('/v1/autoscaler/web/down', { 'idempotency-key': 'one' })
    const by2 = await keyOf(`${UP}?by=2`, { 'idempotency-key': 'one' })
    const by2InBody = await keyOf(UP, { 'idempotency-key': 'one' }, { by: '2' })
    expect([down?.hash, by2?.hash]).toEqual([first?.hash, first?.hash])
    expect(new Set([first?.wish, down?.wish, by2?.wish]).size).toBe(3)
    expect(by2InBody).toEqual(by2)
  })

  it('gives another hash for another autoscaler', async () => {
    const web = await keyOf(UP, { 'idempotency-key': 'one' })
    const api = await keyOf('/v1/autoscaler/api/up', { 'idempotency-key': 'one' })
    expect(api?.hash).not.toBe(web?.hash)
  })

  it.each([
    { name: 'blank', key: ' ' },
    { name: 'longer than 255 characters', key: 'k'.repeat(256) },
  ])('that is $name is refused', async ({ key }) => {
    const answer = await server().inject({ method: 'POST', url: UP, headers: { 'idempotency-key': key } })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().detail).toContain('Idempotency-Key')
  })
})

describe('a step that is badly asked for', () => {
  const bad: { name: string; url?: string; payload?: unknown; says: string }[] = [
    { name: 'by 0', url: `${UP}?by=0`, says: 'whole number from 1' },
    { name: 'by -1', url: `${UP}?by=-1`, says: 'Query parameter by is "-1"; it must be a whole number from 1' },
    { name: 'by 1.5', url: `${UP}?by=1.5`, says: 'whole number' },
    { name: 'by x', url: `${UP}?by=x`, says: '"x"' },
    { name: 'by empty', url: `${UP}?by=`, says: 'by is ""' },
    { name: 'by twice', url: `${UP}?by=1&by=2`, says: 'by is ["1","2"]' },
    { name: 'by 0%', url: `${UP}?by=0%25`, says: 'per cent' },
    { name: 'by 20000%', url: `${UP}?by=20000%25`, says: '10000%' },
    { name: 'by larger than any Swarm', url: `${UP}?by=99999999999999999999`, says: '1000000000' },
    { name: 'by 1e9 + 1 in the body', payload: { by: 1_000_000_001 }, says: 'Body field by is 1000000001' },
    { name: 'by -3 in the body', payload: { by: -3 }, says: 'by is -3' },
    { name: 'by 0 in the body', payload: { by: 0 }, says: 'by is 0' },
    { name: 'by 2.5 in the body', payload: { by: 2.5 }, says: 'by is 2.5' },
    { name: 'by true', payload: { by: true }, says: 'by is true' },
    { name: 'by null', payload: { by: null }, says: 'by is null' },
    { name: 'by an object', payload: { by: { count: 2 } }, says: 'by is {"count":2}' },
    { name: 'BY', payload: { BY: 2 }, says: '"BY" is not known; it is written by' },
    { name: 'reason a number', payload: { reason: 5 }, says: 'reason is 5' },
    { name: 'another direction than the path', payload: { direction: 'down' }, says: '"up", as the path says' },
    { name: 'a count', payload: { replicas: 5 }, says: 'PUT /v1/autoscaler/<name>/replicas' },
    { name: 'a list', payload: [1], says: 'must be a JSON object; it is [1]' },
    { name: 'a text', payload: '"up"', says: 'must be a JSON object' },
    { name: 'a number', payload: '5', says: 'must be a JSON object' },
    { name: 'JSON cut short', payload: '{"by":', says: 'not JSON: Unexpected end of JSON input' },
    { name: 'JSON gone wrong', payload: '{"by" 2}', says: 'at position 6' },
    { name: 'a poisoned prototype', payload: '{"__proto__":{"by":2}}', says: '__proto__' },
    { name: 'a poisoned constructor', payload: '{"constructor":{"prototype":{}}}', says: 'constructor' },
  ]
  it.each(bad)('$name', async ({ url = UP, payload, says }) => {
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
    const answer = await server().inject({ method: 'POST', url, ...(body && { payload: body }) })
    expect(answer.statusCode).toBe(400)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    const { code, detail, ...rest } = answer.json()
    expect(detail).toContain(says)
    expect(rest).toEqual({ type: `urn:orrery:problem:${code}`, title: expect.any(String), status: 400 })
  })

  it('hears of everything that is wrong at once', async () => {
    const answer = await server().inject({ method: 'POST', url: `${UP}?by=x&replicas=5` })
    expect(answer.json().detail).toMatch(/by is "x".*replicas is "5"/)
  })
})

describe('what can go wrong in deciding', () => {
  const outcomes: { outcome: Outcome; status: number }[] = [
    { outcome: 'scaled', status: 200 },
    { outcome: 'unchanged', status: 200 },
    { outcome: 'held', status: 200 },
    { outcome: 'dry-run', status: 200 },
    { outcome: 'invalid-policy', status: 422 },
    { outcome: 'unsupported', status: 409 },
  ]
  it.each(outcomes)('the outcome $outcome is $status', async ({ outcome, status }) => {
    const { scaler } = recordingScaler(() => aDecision({ outcome, reason: 'because' }))
    const answer = await server({ scaler }).inject({ method: 'POST', url: UP })
    expect(answer.statusCode).toBe(status)
    expect(answer.json()).toMatchObject({ outcome, reason: 'because', from: 3 })
    if (status !== 200) {
      expect(answer.headers['content-type']).toContain('application/problem+json')
      expect(answer.json()).toMatchObject({
        code: outcome,
        status,
        detail: 'because',
        type: `urn:orrery:problem:${outcome}`,
      })
    }
  })

  const faults: { code: FaultCode; status: number }[] = [
    { code: 'unknown-autoscaler', status: 404 },
    { code: 'ambiguous-name', status: 409 },
    { code: 'key-reused', status: 422 },
    { code: 'write-rejected', status: 502 },
    { code: 'keys-exhausted', status: 503 },
    { code: 'not-in-sync', status: 503 },
    { code: 'engine-unavailable', status: 503 },
    { code: 'conflicts-exhausted', status: 503 },
    { code: 'write-unknown', status: 503 },
    { code: 'shutting-down', status: 503 },
  ]
  it.each(faults)('the fault $code is $status', async ({ code, status }) => {
    const scaler = fakeScaler({
      request: async () => {
        throw new Fault(code, 'what is wrong and what to do', { retryAfterMs: 2300 })
      },
    })
    const answer = await server({ scaler }).inject({ method: 'POST', url: UP })
    expect(answer.statusCode).toBe(status)
    expect(answer.json()).toMatchObject({ code, status, detail: 'what is wrong and what to do' })
    if (status === 503) expect(answer.headers['retry-after']).toBe('3')
  })

  it('503 says when to ask again even if the fault does not', async () => {
    const scaler = fakeScaler({
      request: async () => {
        throw new Fault('engine-unavailable', 'away')
      },
    })
    const answer = await server({ scaler }).inject({ method: 'POST', url: UP })
    expect(answer.headers['retry-after']).toBe('1')
  })

  it('an unexpected error keeps its text in the log', async () => {
    const lines: string[] = []
    const scaler = fakeScaler({
      request: async () => {
        throw new TypeError('inner secret of ours')
      },
    })
    const answer = await server({ scaler, lines }).inject({ method: 'POST', url: UP })
    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('inner secret')
    expect(answer.json().code).toBe('internal')
    expect(lines.join('')).toContain('inner secret')
  })
})
