/** The files that variables name, read once at the start; everything wrong with them at once. */
import { readFileSync } from 'node:fs'
import { ConfigError, type ConfigProblem } from './load.ts'
import type { Config } from './schema.ts'

export interface ConfiguredFiles {
  /** Text of `ORRERY_TOKEN_FILE`. */
  readonly tokens?: string
  /** Text of `ORRERY_GRAFANA_SECRET_FILE`. */
  readonly grafanaSecret?: string
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string }
}

const readText = (path: string): string => readFileSync(path, 'utf8')

/** Throws ConfigError. `read` is another one in tests. */
export function readConfiguredFiles(config: Config, read: (path: string) => string = readText): ConfiguredFiles {
  const problems: ConfigProblem[] = []
  const take = (variable: string, path: string | undefined): string | undefined => {
    if (path === undefined) return undefined
    try {
      return read(path)
    } catch (error) {
      problems.push({
        variable,
        value: path,
        message: `can not be read: ${error instanceof Error ? error.message : error}`,
      })
      return undefined
    }
  }
  const tokens = take('ORRERY_TOKEN_FILE', config.tokenFile)
  const grafanaSecret = take('ORRERY_GRAFANA_SECRET_FILE', config.grafanaSecretFile)
  const cert = take('ORRERY_TLS_CERT_FILE', config.tlsCertFile)
  const key = take('ORRERY_TLS_KEY_FILE', config.tlsKeyFile)
  const ca = take('ORRERY_TLS_CA_FILE', config.tlsCaFile)
  if (problems.length > 0) throw new ConfigError(problems)
  const tls = cert !== undefined && key !== undefined ? { cert, key, ...(ca !== undefined && { ca }) } : undefined
  return {
    ...(tokens !== undefined && { tokens }),
    ...(grafanaSecret !== undefined && { grafanaSecret }),
    ...(tls && { tls }),
  }
}
