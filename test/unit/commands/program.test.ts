import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runProgram } from '../../../src/commands/program.ts'
import { fakeConsole } from './network/fake-session.ts'

const run = async (words: string, change: { readonly isTerminal?: boolean } = {}) => {
  const { io, out, err } = fakeConsole()
  // Nobody listens there: what is called by mistake fails with 1 instead of 2.
  const env = { ORRERY_URL: 'http://127.0.0.1:1' }
  const code = await runProgram(words === '' ? [] : words.split(' '), { ...io, env, ...change })
  return { code, out: out(), err: err() }
}

describe('the command line', () => {
  it.each(['down web 5', 'up web web2', 'ls web', 'serve now', 'agent --all', 'network plan vlan40', 'sideways'])(
    'refuses %j as a mistake in writing, and does nothing',
    async (words) => {
      const { code, err } = await run(words)
      expect(code).toBe(2)
      expect(err).toMatch(/^error: /)
    },
  )

  it('prints help on a terminal when it is given no word', async () => {
    const { code, out } = await run('', { isTerminal: true })
    expect(code).toBe(0)
    expect(out).toContain('Usage: orrery')
  })

  it.each(['up', 'down', 'set'])('the help of %s says what its exit codes mean', async (word) => {
    const { code, out } = await run(`${word} --help`)
    expect(code).toBe(0)
    expect(out).toMatch(/Exit codes: 0 scaled, or nothing to do .*, 1 held .*, 2 wrong usage/s)
  })
})

it('is no controller when a person types the bare name: node dist/main.js on a terminal', async () => {
  const program = `${process.execPath} --import tsx src/main.ts`
  const { stdout } = await promisify(execFile)('script', ['--quiet', '--return', '--command', program, '/dev/null'])
  expect(stdout).toContain('Usage: orrery')
  expect(stdout).not.toContain('listening')
})

it('ends quietly when nobody reads on: orrery ls --json | head -c 1', async () => {
  const server = createServer((_request, response) =>
    response.end(JSON.stringify({ autoscalers: [], more: 'x'.repeat(5_000_000) })),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const program = `${process.execPath} --import tsx src/main.ts ls --json`
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', `set -o pipefail; ${program} | head -c 1`], {
    env: { ...process.env, ORRERY_URL: `http://127.0.0.1:${port}` },
  })
  expect({ stdout, stderr }).toEqual({ stdout: '{', stderr: '' })
})

it.each(['serve', 'agent', 'ls'])(
  'says what is wrong where 64 files may be open: ulimit -n 64; orrery %s',
  async (word) => {
    const loader = import.meta.resolve('tsx').replace('file://', '')
    const program = `ulimit -n 64; exec ${process.execPath} --import ${loader} src/main.ts ${word}`
    const ended = await promisify(execFile)('bash', ['-c', program]).catch((error: unknown) => error)
    expect(ended).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^orrery: only 64 files may be open at a time here \(ulimit -n\), and 256 are needed.*\n$/,
      ),
    })
  },
)
