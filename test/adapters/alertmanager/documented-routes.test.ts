/** The Alertmanager of docs/alerts.md that somebody has already, judged by its own program. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { monitoringPackages } from '../../lab/programs/monitoring.ts'
import { read } from '../../unit/docs/markdown.ts'

const run = promisify(execFile)
const section = read('docs/alerts.md').split('## An Alertmanager that you have already\n')[1] ?? ''
const documented = /```yaml\n([\s\S]*?)```/.exec(section)?.[1] ?? ''
let folder: string
let amtool: string

beforeAll(async () => {
  amtool = (await monitoringPackages()).amtool
  folder = await mkdtemp(join(tmpdir(), 'orrery-routes-'))
  const token = join(folder, 'orrery-token')
  await writeFile(token, 'secret')
  await writeFile(join(folder, 'alertmanager.yml'), documented.replace('/etc/alertmanager/orrery-token', token))
}, 120_000)
afterAll(async () => await rm(folder, { recursive: true, force: true }))

const file = () => join(folder, 'alertmanager.yml')
const routed = async (...labels: string[]) =>
  (await run(amtool, ['config', 'routes', 'test', `--config.file=${file()}`, ...labels])).stdout.trim()

describe('the route tree of docs/alerts.md', () => {
  it('is one that Alertmanager takes', async () => {
    expect((await run(amtool, ['check-config', file()])).stdout).toContain('SUCCESS')
  })

  it.each([
    { labels: ['scale=up', 'service=shop_web'], to: 'orrery' },
    { labels: ['scale=down', 'service=shop_web', 'severity=page'], to: 'orrery,pager' },
    { labels: ['severity=page'], to: 'pager' },
    { labels: ['alertname=DiskFull'], to: 'people' },
  ])('sends $labels to $to', async ({ labels, to }) => {
    expect(await routed(...labels)).toBe(to)
  })
})
