/** Access rules and TLS from the files that the configuration names, read once at the start. */
import { readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { ConfigError, type ConfigProblem } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import { messageOf } from '../../foundation/errors.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { GrafanaSigning } from '../../http/access/grafana-signature.ts'
import type { AccessRules } from '../../http/access/judge.ts'
import { parseTokenFile, shortTokens } from '../../http/access/tokens.ts'
import type { TlsFiles } from '../../http/listen.ts'

const readText = (path: string): string => readFileSync(path, 'utf8')

/** Throws an Error that says what is wrong with them; ConfigError with every file that cannot be read. */
export function readAccess(config: Config): {
  readonly access: AccessRules
  readonly tls: TlsFiles | undefined
  /** What is allowed and worth a line in the log. */
  readonly warnings: readonly string[]
} {
  const { orbiterAuthUser: user, orbiterAuthPass: pass, trustedCidrs, tokenFile } = config
  const files = readConfiguredFiles(config)
  const orbiter = user !== undefined && pass !== undefined ? { user, pass } : undefined
  const grafana = files.grafanaSecret === undefined ? undefined : grafanaSigning(config, files.grafanaSecret)
  const open = {
    trustedCidrs,
    hosts: [...ownNames(), ...config.hosts],
    pagesOnlyRead: config.ui !== 'on',
    ...withoutUndefined({ orbiter, grafana }),
  }
  if (files.tokens === undefined) return { access: open, tls: files.tls, warnings: [] }
  const { tokens, problems } = parseTokenFile(files.tokens)
  const warnings = [...openToOthers(tokenFile), ...shortTokens(files.tokens)]
  if (problems.length > 0) throw new Error(`ORRERY_TOKEN_FILE=${tokenFile}: ${problems.join('; ')}`)
  return {
    access: { ...open, tokens },
    tls: files.tls,
    warnings: warnings.map((text) => `ORRERY_TOKEN_FILE=${tokenFile}: ${text}`),
  }
}

/** The line break at the end is an editor's, not the secret's. */
function grafanaSigning({ grafanaSecretFile, grafanaTimestampHeader }: Config, text: string): GrafanaSigning {
  const secret = text.replace(/[\r\n]+$/, '')
  if (secret.trim() === '') throw new Error(`ORRERY_GRAFANA_SECRET_FILE=${grafanaSecretFile}: it holds no secret`)
  return { secret, ...withoutUndefined({ timestampHeader: grafanaTimestampHeader }) }
}

export interface ConfiguredFiles {
  /** Text of `ORRERY_TOKEN_FILE`. */
  readonly tokens?: string
  /** Text of `ORRERY_GRAFANA_SECRET_FILE`. */
  readonly grafanaSecret?: string
  readonly tls?: TlsFiles
}

/** Throws ConfigError with every problem at once. `read` is another one in tests. */
export function readConfiguredFiles(config: Config, read: (path: string) => string = readText): ConfiguredFiles {
  const problems: ConfigProblem[] = []
  const take = (variable: string, path: string | undefined): string | undefined => {
    if (path === undefined) return undefined
    try {
      return read(path)
    } catch (error) {
      const why = messageOf(error)
      problems.push({ variable, value: path, message: `cannot be read: ${why}` })
      return undefined
    }
  }
  const tokens = take('ORRERY_TOKEN_FILE', config.tokenFile)
  const grafanaSecret = take('ORRERY_GRAFANA_SECRET_FILE', config.grafanaSecretFile)
  const cert = take('ORRERY_TLS_CERT_FILE', config.tlsCertFile)
  const key = take('ORRERY_TLS_KEY_FILE', config.tlsKeyFile)
  const ca = take('ORRERY_TLS_CA_FILE', config.tlsCaFile)
  if (problems.length > 0) throw new ConfigError(problems)
  const tls = cert !== undefined && key !== undefined ? { cert, key, ...withoutUndefined({ ca }) } : undefined
  return withoutUndefined({ tokens, grafanaSecret, tls })
}

/** With and without its domain. */
function ownNames(): readonly string[] {
  const name = hostname()
  return [name, ...name.split('.', 1)]
}

const READABLE_BY_OTHERS = 0o004

/** A Docker secret can be read by everybody in its container, and there is nobody else in there. */
function openToOthers(path: string | undefined): string[] {
  if (path === undefined || path.startsWith('/run/secrets/')) return []
  const isOpen = (statSync(path).mode & READABLE_BY_OTHERS) !== 0
  return isOpen ? [`others on this machine can read it: chmod o-r ${path}`] : []
}
