/** The demo as a newcomer runs it, without the set-up that `npm run demo` does before. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { tracesOf } from '../support/lab-traces.ts'
import { repository } from '../support/product-image.ts'
import { eventually } from '../support/services.ts'

interface Demo {
  readonly child: ChildProcess
  readonly output: () => string
  readonly exited: Promise<number | null>
}

let running: ChildProcess | undefined
afterEach(() => void running?.kill('SIGKILL'))

function startDemo(...args: string[]): Demo {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/demo/run.ts', ...args], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running = child
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk))
  return { child, output: () => text, exited: once(child, 'close').then(([code]) => code) }
}

const until = async (output: () => string, words: string) =>
  await eventually(words, async () => output().includes(words), { timeoutMs: 100_000 }).catch((error: Error) => {
    throw new Error(`${error.message}\n${output()}`)
  })
const firstMatch = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? ''
/** Processes, mounts, cgroups and files of the lab that this output tells of. */
const leftOf = async (output: string) => await tracesOf(firstMatch(output, / in lab (\S+)/), new Set())

it('`npm run demo -- --once` gives the whole tour, ends with code 0 and leaves nothing', async () => {
  const started = Date.now()
  const { output, exited } = startDemo('--once')
  const code = await exited
  expect({ code, output: output() }).toMatchObject({ code: 0 })
  console.log(`the demo took ${((Date.now() - started) / 1000).toFixed(0)} s`)
  expect(output()).toContain('21. ')
  expect(output()).toContain('All is gone')
  expect(output()).not.toContain('\u001b')
  expect(await leftOf(output())).toEqual([])
  await expect(fetch(`${firstMatch(output(), /it is reached at (http\S+);/)}/healthz`)).rejects.toThrow()
})

it.each([
  { signal: 'SIGINT', words: 'forming the swarm', code: 130 },
  { signal: 'SIGTERM', words: '6. A count', code: 143 },
] as const)('$signal at "$words" ends it at once and leaves nothing', async ({ signal, words, code }) => {
  const { child, output, exited } = startDemo()
  await until(output, words)
  child.kill(signal)
  const told = Date.now()
  expect(await exited).toBe(code)
  expect(Date.now() - told).toBeLessThan(20_000)
  expect(output()).toContain('All is gone')
  expect(output()).not.toContain('16. ')
  expect(await leftOf(output())).toEqual([])
})

it('a word that it does not know is a usage error, and starts nothing', async () => {
  const { output, exited } = startDemo('--onec')
  expect(await exited).toBe(2)
  expect(output()).toContain('--once')
  expect(output()).not.toContain('Swarm of three engines on this machine, in')
})
