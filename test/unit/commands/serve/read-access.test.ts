import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
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
  expect(rules({})).toEqual({ trustedCidrs: [] })
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
