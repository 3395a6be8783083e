/** The picture in words of the README: what `orrery ls` prints of these two services. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { runProgram } from '../../../src/commands/program.ts'
import { fakeConsole } from '../commands/network/fake-session.ts'
import { blocksOf, read } from './markdown.ts'

const field = (value: string) => ({ value, source: 'label' })
const before = (ms: number) => new Date(Date.now() - ms).toISOString()

it('the list that the README shows is as the command prints it', async () => {
  const api = {
    ...{ name: 'shop_api', service: 'shop_api', observation: { replicas: 6 }, running: 4 },
    policy: { min: field('2'), max: field('12') },
    lastDecision: { at: before(180_000), outcome: 'scaled', reason: 'up by 2' },
    conditions: [{ type: 'Unschedulable', status: true, reason: '2 tasks wait for a node: no suitable node' }],
  }
  const web = {
    ...{ name: 'shop_web', service: 'shop_web', observation: { replicas: 3 }, running: 3, conditions: [] },
    policy: { min: field('2'), max: field('4') },
    lastDecision: { at: before(8_000), outcome: 'scaled', reason: 'up by 1' },
  }
  const controller = createServer((_, answer) => answer.end(JSON.stringify({ autoscalers: [api, web] })))
  await new Promise<void>((resolve) => controller.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void controller.close())
  const { io, out } = fakeConsole()
  const ORRERY_URL = `http://127.0.0.1:${(controller.address() as AddressInfo).port}`
  expect(await runProgram(['ls'], { ...io, env: { ORRERY_URL } })).toBe(0)
  const [shown] = blocksOf(read('README.md')).filter(({ text }) => text.startsWith('$ orrery ls\n'))
  // The second that a slow machine takes is in the age.
  expect(out().replace(/\b\d+ s ago/, '8 s ago')).toBe(shown?.text.replace('$ orrery ls\n', ''))
})
