import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readAccess } from '../../../../src/commands/serve/read-access.ts'
import { loadConfig } from '../../../../src/config/load.ts'

function file(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-access-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'secret')
  writeFileSync(path, text)
  return path
}

const rules = (env: Record<string, string>) => readAccess(loadConfig(env)).access

it('nothing is asked for when no file is named', () => {
  const hosts = [hostname(), hostname().split('.')[0]]
  expect(rules({})).toEqual({ trustedCidrs: [], hosts, pagesOnlyRead: false })
})

it('names of this machine are its own and those of ORRERY_HOSTS', () => {
  expect(rules({ ORRERY_HOSTS: 'orrery.example.com, vip' }).hosts).toEqual(
    expect.arrayContaining([hostname(), 'orrery.example.com', 'vip']),
  )
})

it('a token file that others can read is warned of, and so is a token that could be guessed', () => {
  const long = 'x'.repeat(16)
  const open = file(`scale ${long}\nread short\n`)
  chmodSync(open, 0o644)
  const { warnings } = readAccess(loadConfig({ ORRERY_TOKEN_FILE: open }))
  expect(warnings).toHaveLength(2)
  expect(warnings.join()).toMatch(/others.*chmod.*line 2.*16 characters/s)
  expect(warnings.join()).not.toContain('short')
  const kept = file(`scale ${long}\n`)
  chmodSync(kept, 0o440)
  expect(readAccess(loadConfig({ ORRERY_TOKEN_FILE: kept })).warnings).toEqual([])
})

it.each(['hush now', 'hush now\n', 'hush now\r\n'])(
  "Grafana's secret in %j is what stands before the line break",
  (text) => {
    expect(rules({ ORRERY_GRAFANA_SECRET_FILE: file(text) }).grafana).toEqual({ secret: 'hush now' })
  },
)

it('a timestamp header goes with it', () => {
  const env = { ORRERY_GRAFANA_SECRET_FILE: file('hush'), ORRERY_GRAFANA_TIMESTAMP_HEADER: 'X-Time' }
  expect(rules(env).grafana).toEqual({ secret: 'hush', timestampHeader: 'X-Time' })
})

it.each(['', '\n', ' \n'])('a secret of %j is a mistake, and no open door', (text) => {
  expect(() => rules({ ORRERY_GRAFANA_SECRET_FILE: file(text) })).toThrow(
    /ORRERY_GRAFANA_SECRET_FILE=.*holds no secret/,
  )
})

it('what is wrong with a token file is said by line, without the line', () => {
  const broken = () => rules({ ORRERY_TOKEN_FILE: file('scale hunter2 a-name hunter3\n') })
  expect(broken).toThrow(/ORRERY_TOKEN_FILE=.*line 1/)
  expect(broken).not.toThrow(/hunter/)
})
