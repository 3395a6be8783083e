/** What answers in a controller's place, and what a command makes of it: an end, in words, and nothing that it was told to do. */
import { execFileSync } from 'node:child_process'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { completionScript } from '../../../src/commands/completion.ts'
import { runProgram } from '../../../src/commands/program.ts'
import { fakeConsole } from './network/fake-session.ts'

async function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://me:hunter2@127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function run(words: readonly string[], url: string) {
  const { io, out, err } = fakeConsole()
  const code = await runProgram(words, { ...io, env: { ORRERY_URL: url } })
  expect(out() + err()).not.toMatch(/hunter2|bWU6aHVudGVyMg/)
  return { code, out: out(), err: err() }
}

const COMMANDS = [
  ['ls'],
  ['ls', '--all'],
  ['up', 'web'],
  ['describe'],
  ['tasks'],
  ['registrations'],
  ['history', 'web'],
]

describe.each(COMMANDS.map((words) => ({ name: words.join(' '), words })))('orrery $name', ({ words }) => {
  it.each([
    { name: 'a page of HTML', text: '<!DOCTYPE html><title>Welcome</title>' },
    { name: 'nothing', text: '' },
    { name: 'null', text: 'null' },
    { name: 'a number', text: '1e999' },
    { name: 'a list', text: '[]' },
    { name: 'a list in a list, 100,000 deep', text: '['.repeat(100_000) },
    { name: 'half of an answer', text: '{"autoscalers":[{' },
    { name: 'other fields', text: '{"autoscalers":7,"services":7,"tasks":7,"__proto__":{"x":1}}' },
  ])('ends with what is wrong when $name answers', async ({ text }) => {
    const { code, out, err } = await run(words, await answering((_request, response) => void response.end(text)))
    expect(code).toBe(1)
    expect(out).toBe('')
    expect(err).toMatch(/^orrery: what answers at ORRERY_URL is not a controller of this version \(.*\)\n$/)
    expect(err.length).toBeLessThan(400)
  })

  it('follows nobody elsewhere: the credential goes where it was told to and no further', async () => {
    const got: (string | undefined)[] = []
    const elsewhere = await answering((request, response) => {
      got.push(request.headers.authorization)
      response.end('{}')
    })
    const statuses = [301, 302, 303, 307, 308]
    for (const status of statuses) {
      const redirecting = await answering((_request, response) => {
        response.writeHead(status, { location: elsewhere, refresh: `0; url=${elsewhere}` }).end()
      })
      expect(await run(words, redirecting)).toMatchObject({ code: 1, out: '', err: `orrery: ${status}: \n` })
    }
    expect(got).toEqual([])
  })

  it('says of a long refusal what a screen holds', async () => {
    const detail = 'x'.repeat(1_000_000)
    const url = await answering((_request, response) => void response.writeHead(409).end(JSON.stringify({ detail })))
    expect((await run(words, url)).err.length).toBeLessThan(2100)
  })
})

/** Writes as long as somebody reads. */
const endless =
  (chunk: string): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', more)
    more()
  }

it('an answer that never ends is left', { timeout: 60_000 }, async () => {
  const { code, err } = await run(['ls'], await answering(endless('x'.repeat(1024 * 1024))))
  expect(code).toBe(1)
  expect(err).toContain('it is longer than 134217728 bytes')
})

it('an event that never ends is left, and one that is no object passes', { timeout: 60_000 }, async () => {
  const { code, err } = await run(['events'], await answering(endless(`data: ${'x'.repeat(1024 * 1024)}`)))
  expect(code).toBe(1)
  expect(err).toContain('is not an event of a controller')
  const odd = await answering((_request, response) => void response.end('data: null\n\ndata: 7\n\ndata: "x"\n\n'))
  expect(await run(['events'], odd)).toMatchObject({
    code: 1,
    out: '',
    err: 'orrery: the controller ended the stream\n',
  })
})

describe('the names that a shell completes', () => {
  const HOSTILE = [
    '$(touch pwned)',
    '`touch pwned`',
    '"; touch pwned; "',
    "'$(id)'",
    '-rf',
    '\u001b[2J',
    'a b',
    '*',
    '~root',
  ]
  const names = async (shown: readonly string[]) =>
    await answering((_request, response) => {
      response.end(JSON.stringify({ autoscalers: shown.map((name) => ({ name })) }))
    })

  it('are names, whatever the controller says', async () => {
    const url = await names([...HOSTILE, 'web', 'shop_web.2', 'x'.repeat(64)])
    expect((await run(['complete', '--', 'up', ''], url)).out).toBe('web\nshop_web.2\n')
  })

  it('of which bash would carry out what is none', async () => {
    const complete = async (shown: string) => {
      const script = `cd "$(mktemp -d)"; orrery() { printf '%s\\n' "$SHOWN"; }; ${completionScript('bash')}
COMP_WORDS=(orrery up ''); COMP_CWORD=2; _orrery; ls; printf '%s\\n' "\${COMPREPLY[@]}"`
      return execFileSync('bash', ['-c', script], { env: { ...process.env, SHOWN: shown }, encoding: 'utf8' })
    }
    // As it would be with names of any kind: the reason for the test before.
    expect(await complete('$(touch pwned)')).toContain('pwned')
    const { out } = await run(['complete', '--', 'up', ''], await names(HOSTILE.concat('web')))
    expect(await complete(out.trim())).toBe('web\n')
  })
})
