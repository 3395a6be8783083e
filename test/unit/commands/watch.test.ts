import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { runProgram } from '../../../src/commands/program.ts'
import { fakeConsole } from './network/fake-session.ts'

const ROW = {
  name: 'web',
  service: 'web',
  replicas: 3,
  running: 2,
  min: 1,
  max: 9,
  nextAllowed: {},
  lastReason: 'up by 1',
}
const EVENTS = [
  { type: 'hello', data: { controller: 'c1' } },
  { type: 'observation', data: { name: 'web', replicas: 3 } },
  { type: 'autoscaler', data: ROW },
  {
    type: 'autoscaler',
    data: { ...ROW, max: null, attention: { type: 'Unschedulable', reason: 'no place for 1 task', severity: 'error' } },
  },
  { type: 'autoscaler', data: { name: 'old', gone: true } },
  { type: 'autoscaler', data: { ...ROW, lastCode: 'paused', lastReason: 'paused via API until it is resumed' } },
]

const watched = async (...more: string[]) => {
  const controller = createServer(({ url }, response) => {
    if (url !== '/v1/event') response.end('{"autoscalers":[]}')
    else response.end(EVENTS.map(({ type, data }) => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`).join(''))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void controller.close())
  await new Promise((resolve) => controller.once('listening', resolve))
  const { io, out, err } = fakeConsole()
  const env = { ORRERY_URL: `http://127.0.0.1:${(controller.address() as AddressInfo).port}` }
  const code = await runProgram(['ls', '--watch', ...more], { ...io, env })
  return { code, lines: out().trim().split('\n'), err: err() }
}

it('orrery ls --watch lists, then has a line for each autoscaler that changes, and says when that is over', async () => {
  const { code, lines, err } = await watched()
  expect(lines.map((line) => line.replace(/^\d{4}-\S+Z /, ''))).toEqual([
    'No service has a scaling policy (autoscaler.enable=true).',
    'web: 2 of 3 running, bounds 1 to 9; up by 1',
    'web: 2 of 3 running, bounds 1 to no max; no place for 1 task',
    'old: gone',
    // It was resumed.
    'web: 2 of 3 running, bounds 1 to 9',
  ])
  expect({ code, err }).toEqual({ code: 1, err: 'orrery: the controller ended the stream\n' })
})

it('with --json each of them is one line for machines', async () => {
  const { lines } = await watched('--json')
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { autoscalers: [] },
    ROW,
    ...EVENTS.slice(3).map(({ data }) => data),
  ])
})
