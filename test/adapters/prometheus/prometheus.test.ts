/** What test/e2e/load/load-faults.test.ts sees of a real Prometheus is here said by a server that can be told what to say. */
import { describe, expect, it } from 'vitest'
import { createPrometheus } from '../../../src/adapters/prometheus/prometheus.ts'
import { bodyOf, collectGarbage, listen } from '../servers.ts'

const NOW_MS = Date.UTC(2026, 0, 31, 12)
const SECONDS = NOW_MS / 1000

const vector = (...values: string[]) => ({
  status: 'success',
  data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value: [SECONDS, value] })) },
})

const open = (host: string, signal = new AbortController().signal) =>
  createPrometheus({ url: async () => `http://${host}`, now: () => NOW_MS, signal })

/** Answers every question with `body`, or each as `body` says of its form fields. */
async function answering(body: unknown | ((form: URLSearchParams) => unknown), status = 200) {
  const asked: { path?: string; authorization?: string; form: URLSearchParams }[] = []
  const host = await listen(async (request, response) => {
    const form = new URLSearchParams(await bodyOf(request))
    const { url, headers } = request
    asked.push({
      form,
      ...(url && { path: url }),
      ...(headers.authorization && { authorization: headers.authorization }),
    })
    const said = typeof body === 'function' ? body(form) : body
    response.writeHead(status).end(typeof said === 'string' ? said : JSON.stringify(said))
  })
  return { host, asked }
}

describe('Prometheus', () => {
  it('is asked by POST for one number, with how long it may take and how old a value may be', async () => {
    const { host, asked } = await answering(vector('12.5'))
    expect(await open(host).ask('sum(rate(x[1m]))')).toEqual({ kind: 'value', value: 12_500_000_000n })
    expect(asked).toHaveLength(1)
    expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({
      ...{ query: 'sum(rate(x[1m]))', timeout: '5000ms', lookback_delta: '120s' },
    })
  })

  it('may be below a path and behind Basic', async () => {
    const { host, asked } = await answering(vector('1'))
    await open(`me:p%40ss@${host}/prom/`).ask('x')
    expect(asked[0]).toMatchObject({
      path: '/prom/api/v1/query',
      authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    })
  })

  it.each([
    ['a scalar', { status: 'success', data: { resultType: 'scalar', result: [SECONDS, '7'] } }, { kind: 'value' }],
    ['NaN', vector('NaN'), { why: 'nan' }],
    ['+Inf', vector('+Inf'), { why: 'infinite' }],
    ['-Inf', vector('-Inf'), { why: 'infinite' }],
    ['a value below 0', vector('-1'), { why: 'negative' }],
    ['two series', vector('1', '2'), { why: 'several' }],
    [
      'a value of another clock',
      { data: { result: [{ value: [SECONDS - 200, '1'] }], resultType: 'vector' }, status: 'success' },
      { why: 'old' },
    ],
    ['a matrix', { status: 'success', data: { resultType: 'matrix', result: [] } }, { why: 'no-number' }],
    ['a text', { status: 'success', data: { resultType: 'string', result: [SECONDS, 'x'] } }, { why: 'no-number' }],
    [
      'a sample that is none',
      { status: 'success', data: { resultType: 'vector', result: [null] } },
      { why: 'no-number' },
    ],
    ['no data', { status: 'success' }, { why: 'no-number' }],
    ['null', 'null', { why: 'error' }],
    ['no JSON', '<html>', { why: 'error' }],
    ['partial JSON', '{"status":"succ', { why: 'error' }],
    ['more than 1 MiB', `"${'x'.repeat(1024 * 1024)}"`, { why: 'error', detail: expect.stringContaining('1 MiB') }],
  ])('that answers with %s', async (_name, body, expected) => {
    const { host } = await answering(body)
    expect(await open(host).ask('x')).toMatchObject({ kind: 'missing', ...expected })
  })

  it.each([
    [400, { status: 'error', errorType: 'bad_data', error: 'parse error: unclosed parenthesis' }, 'refused'],
    [422, { status: 'error', errorType: 'execution', error: 'many-to-many matching' }, 'refused'],
    [503, { status: 'error', errorType: 'timeout', error: 'query timed out' }, 'slow'],
    [503, { status: 'error', errorType: 'unavailable', error: 'starting' }, 'error'],
    [500, { status: 'error', errorType: 'internal', error: 'disk' }, 'error'],
    [302, '', 'error'],
    [401, 'Unauthorized', 'error'],
  ])('that answers %i with %j', async (status, body, why) => {
    const { host, asked } = await answering(body, status)
    expect(await open(host).ask('x')).toMatchObject({ kind: 'missing', why })
    expect(asked, 'nothing is asked twice, and no redirect is followed').toHaveLength(1)
  })

  it('that finds nothing is asked whether there was something before: empty and old are told apart', async () => {
    const query = 'queue_depth # jobs'
    const never = await answering(vector())
    expect(await open(never.host).ask(query)).toMatchObject({ why: 'empty' })
    const before = await answering((form: URLSearchParams) =>
      form.get('query') === query ? vector() : vector(`${SECONDS - 3300}`),
    )
    expect(await open(before.host).ask(query)).toMatchObject({
      ...{ kind: 'missing', why: 'old', detail: 'the newest value is 55 min old' },
    })
    expect(before.asked.map(({ form }) => form.get('query'))).toEqual([
      query,
      'max(max_over_time(timestamp(queue_depth # jobs\n)[2h:5m]))',
    ])
  })

  it('that is not there, breaks off or is stopped with the controller', async () => {
    expect(await open('127.0.0.1:1').ask('x')).toMatchObject({
      why: 'error',
      detail: expect.stringContaining('ECONNREFUSED'),
    })
    const broken = await listen((_, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('{"status"')
      setTimeout(() => response.destroy(), 20)
    })
    expect(await open(broken).ask('x')).toMatchObject({ why: 'error' })
    const silent = await listen(() => {})
    const stopping = new AbortController()
    setTimeout(() => stopping.abort(), 20)
    expect(await open(silent, stopping.signal).ask('x')).toMatchObject({ kind: 'missing', why: 'error' })
  })

  it('that does not answer, or never ends its answer, is given up after 5 s', async () => {
    const silent = await listen(() => {})
    const endless = await listen((_, response) => {
      response.write('{')
      const more = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(more))
    })
    const startedMs = performance.now()
    const found = await Promise.all([silent, endless].map(async (host) => await open(host).ask('x')))
    expect(found).toEqual([expect.objectContaining({ why: 'slow' }), expect.objectContaining({ why: 'slow' })])
    expect(performance.now() - startedMs).toBeGreaterThan(4_900)
  })

  it('that hangs costs 90 questions 5 s, and not 5 s for each 20 of them', async () => {
    const source = open(await listen(() => {}))
    const startedMs = performance.now()
    const asked = Promise.all(Array.from({ length: 90 }, (_, n) => source.ask(`x${n}`)))
    // A time limit that only its own timer holds on to would be gone now.
    setTimeout(collectGarbage, 500)
    const found = await asked
    expect(found.every((one) => one.kind === 'missing' && one.why === 'slow')).toBe(true)
    expect(performance.now() - startedMs).toBeLessThan(9_000)
  })

  it('is asked at most 20 things at a time, and the others wait their turn', async () => {
    let [inFlight, most] = [0, 0]
    const host = await listen((_, response) => {
      inFlight += 1
      most = Math.max(most, inFlight)
      setTimeout(() => {
        inFlight -= 1
        response.end(JSON.stringify(vector('1')))
      }, 20)
    })
    const source = open(host)
    const found = await Promise.all(Array.from({ length: 90 }, (_, n) => source.ask(`x${n}`)))
    expect(found.every(({ kind }) => kind === 'value')).toBe(true)
    expect(most).toBe(20)
  })
})
