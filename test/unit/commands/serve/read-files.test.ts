import { expect, it } from 'vitest'
import { readConfiguredFiles } from '../../../../src/commands/serve/read-access.ts'
import { loadConfig } from '../../../../src/config/load.ts'

const files = new Map([
  ['/run/secrets/tokens', 'scale abc\n'],
  ['/run/secrets/grafana', 'hush\n'],
  ['/tls/cert.pem', 'CERT'],
  ['/tls/key.pem', 'KEY'],
])
const read = (path: string) => {
  const text = files.get(path)
  if (text === undefined) throw new Error(`ENOENT: no such file ${path}`)
  return text
}

it('reads nothing when no variable names a file', () => {
  expect(readConfiguredFiles(loadConfig({}), read)).toEqual({})
})

it('reads the token file and the certificate', () => {
  const config = loadConfig({
    ORRERY_TOKEN_FILE: '/run/secrets/tokens',
    ORRERY_TLS_CERT_FILE: '/tls/cert.pem',
    ORRERY_TLS_KEY_FILE: '/tls/key.pem',
  })
  expect(readConfiguredFiles(config, read)).toEqual({ tokens: 'scale abc\n', tls: { cert: 'CERT', key: 'KEY' } })
})

it("reads Grafana's secret", () => {
  const config = loadConfig({ ORRERY_GRAFANA_SECRET_FILE: '/run/secrets/grafana' })
  expect(readConfiguredFiles(config, read)).toEqual({ grafanaSecret: 'hush\n' })
})

it('names every file that cannot be read, with its variable', () => {
  const config = loadConfig({
    ORRERY_TOKEN_FILE: '/missing',
    ORRERY_TLS_CERT_FILE: '/tls/cert.pem',
    ORRERY_TLS_KEY_FILE: '/gone.pem',
  })
  expect(() => readConfiguredFiles(config, read)).toThrow(
    /ORRERY_TOKEN_FILE=\/missing: cannot be read: ENOENT[\s\S]*ORRERY_TLS_KEY_FILE=\/gone.pem/,
  )
})
