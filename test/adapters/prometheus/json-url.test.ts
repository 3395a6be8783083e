import { describe, expect, it, onTestFinished } from 'vitest'
import { createJsonUrls } from '../../../src/adapters/prometheus/json-url.ts'
import { collectGarbage, listen } from '../servers.ts'

function open() {
  const urls = createJsonUrls({ signal: new AbortController().signal })
  onTestFinished(async () => await urls.close())
  return urls
}

const answering = async (text: string, status = 200) =>
  await listen((_, response) => response.writeHead(status).end(text))

describe('a URL that answers JSON', () => {
  it.each([
    ['{"depth":7}', 'depth', 7_000_000_000n],
    ['{"queue":{"depth":1.5}}', 'queue.depth', 1_500_000_000n],
    ['{"items":[{"n":0},{"n":3}]}', 'items[1].n', 3_000_000_000n],
    ['{"a":9007199254740993}', '$.a', 9_007_199_254_740_000_000_000_000n],
  ])('%s at %s', async (text, path, value) => {
    const host = await answering(text)
    const found = await open().ask(`http://${host}/`, path)
    // Twelve digits count.
    const digits = (number: bigint) => number / 10n ** BigInt(Math.max(0, `${number}`.length - 12))
    expect(found.kind === 'value' && digits(found.value)).toBe(digits(value))
  })

  it.each([
    ['there is nothing', '{"x":1}', 'empty'],
    ['there is null', '{"depth":null}', 'empty'],
    ['there is a text, even of a number', '{"depth":"7"}', 'no-number'],
    ['there is an object', '{"depth":{}}', 'no-number'],
    ['the number is too large for one', '{"depth":1e999}', 'infinite'],
    ['the number is below 0', '{"depth":-1}', 'negative'],
    ['nothing of a prototype counts', '[]', 'empty'],
    ['the answer is not JSON', 'NaN', 'error'],
    ['the answer is empty', '', 'error'],
  ])('%s: %s is missing, and nothing of it is told', async (_name, text, why) => {
    const host = await answering(text)
    const found = await open().ask(`http://${host}/`, text === '[]' ? 'constructor' : 'depth')
    expect(found).toMatchObject({ kind: 'missing', why })
    if (found.kind === 'missing') expect(found.detail).not.toMatch(/7|1e999|NaN/)
  })

  it('gets no credential, no cookie and nothing of the controller', async () => {
    const seen: object[] = []
    const host = await listen((request, response) => {
      seen.push({ method: request.method, url: request.url, names: Object.keys(request.headers).sort() })
      response.writeHead(200, { 'set-cookie': 'a=b' }).end('{"n":1}')
    })
    const urls = open()
    const url = `http://me:secret@${host}/at?all=1`
    expect(await urls.ask(url, 'n')).toMatchObject({ kind: 'value' })
    await urls.ask(url, 'n')
    const asked = { method: 'GET', url: '/at?all=1', names: ['accept', 'connection', 'host', 'user-agent'] }
    expect(seen).toEqual([asked, asked])
  })

  it.each([301, 302, 307, 308])('that answers %i is not followed', async (status) => {
    const asked: (string | undefined)[] = []
    const elsewhere = await listen(({ url }, response) => {
      asked.push(url)
      response.end('{"n":1}')
    })
    const host = await listen((_, response) => response.writeHead(status, { location: `http://${elsewhere}/` }).end())
    const found = await open().ask(`http://${host}/`, 'n')
    expect(found).toMatchObject({ kind: 'missing', why: 'error', detail: `the URL answers ${status}` })
    expect(asked).toEqual([])
  })

  it.each([204, 400, 401, 404, 500, 503])('that answers %i has no value', async (status) => {
    const host = await answering(status === 204 ? '' : '{"n":1}', status)
    expect(await open().ask(`http://${host}/`, 'n')).toMatchObject({ kind: 'missing', why: 'error' })
  })

  it('may answer with 1 MiB and no byte more', async () => {
    const [most, more] = [1024 * 1024, 1024 * 1024 + 1].map((length) => '{"n":1}'.padEnd(length))
    expect(await open().ask(`http://${await answering(most ?? '')}/`, 'n')).toMatchObject({ kind: 'value' })
    expect(await open().ask(`http://${await answering(more ?? '')}/`, 'n')).toMatchObject({
      ...{ kind: 'missing', why: 'error', detail: expect.stringContaining('1 MiB') },
    })
  })

  it('that is not there, is no HTTP or does not answer within 5 s has no value', async () => {
    const silent = await listen(() => {})
    const dripping = await listen((_, response) => {
      const more = setInterval(() => response.write(' '), 100)
      response.on('close', () => clearInterval(more))
    })
    const urls = open()
    setTimeout(collectGarbage, 500)
    const whys = await Promise.all(
      ['http://127.0.0.1:1/', `http://${silent}/`, `http://${dripping}/`, 'http://name.invalid/'].map(async (url) => {
        const found = await urls.ask(url, 'n')
        return found.kind === 'missing' ? found.why : found.kind
      }),
    )
    expect(whys).toEqual(['error', 'slow', 'slow', 'error'])
  })

  it.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'unix:/var/run/docker.sock', 'javascript:1', '//127.0.0.1/', 'x'])(
    '%s is refused: only http and https are asked',
    async (url) => {
      expect(await open().ask(url, 'n')).toMatchObject({ kind: 'missing', why: 'refused' })
    },
  )

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
  ])('%s is where a cloud keeps credentials, and is not asked', async (url) => {
    expect(await open().ask(url, 'n')).toEqual({
      ...{ kind: 'missing', why: 'refused', detail: 'link-local addresses are not asked' },
    })
  })

  it('that is a name is asked at what the name means', async () => {
    const host = await answering('{"n":2}')
    expect(await open().ask(`http://localhost:${host.split(':')[1]}/`, 'n')).toMatchObject({ kind: 'value' })
  })

  it('is asked at most 8 times at once of one server, and one that is slow holds up no other', async () => {
    let [inFlight, most] = [0, 0]
    const slow = await listen((_, response) => {
      inFlight += 1
      most = Math.max(most, inFlight)
      setTimeout(() => {
        inFlight -= 1
        response.end('{"n":1}')
      }, 200)
    })
    const quick = await answering('{"n":1}')
    const urls = open()
    const startedMs = performance.now()
    const all = Promise.all(Array.from({ length: 24 }, (_, n) => urls.ask(`http://${slow}/${n}`, 'n')))
    expect(await urls.ask(`http://${quick}/`, 'n')).toMatchObject({ kind: 'value' })
    const quickMs = performance.now() - startedMs
    expect((await all).every(({ kind }) => kind === 'value')).toBe(true)
    expect(most).toBe(8)
    expect(quickMs).toBeLessThan(performance.now() - startedMs)
  })
})
