import { readConfiguredFiles } from '../../config/read-files.ts'
import type { Config } from '../../config/schema.ts'
import type { GrafanaSigning } from '../../http/access/grafana-signature.ts'
import type { AccessRules } from '../../http/access/judge.ts'
import { parseTokenFile } from '../../http/access/tokens.ts'
import type { TlsFiles } from '../../http/listen.ts'

/** Access rules and TLS from the files that the configuration names. Throws an Error that says what is wrong with them. */
export function readAccess(config: Config): { readonly access: AccessRules; readonly tls: TlsFiles | undefined } {
  const { orbiterAuthUser: user, orbiterAuthPass: pass, trustedCidrs, tokenFile } = config
  const files = readConfiguredFiles(config)
  const orbiter = user !== undefined && pass !== undefined ? { user, pass } : undefined
  const grafana = files.grafanaSecret === undefined ? undefined : grafanaSigning(config, files.grafanaSecret)
  const open = { trustedCidrs, ...(orbiter && { orbiter }), ...(grafana && { grafana }) }
  if (files.tokens === undefined) return { access: open, tls: files.tls }
  const { tokens, problems } = parseTokenFile(files.tokens)
  if (problems.length > 0) throw new Error(`ORRERY_TOKEN_FILE=${tokenFile}: ${problems.join('; ')}`)
  return { access: { ...open, tokens }, tls: files.tls }
}

/** The line break at the end is an editor's, not the secret's. */
function grafanaSigning({ grafanaSecretFile, grafanaTimestampHeader }: Config, text: string): GrafanaSigning {
  const secret = text.replace(/[\r\n]+$/, '')
  if (secret.trim() === '') throw new Error(`ORRERY_GRAFANA_SECRET_FILE=${grafanaSecretFile}: it holds no secret`)
  return { secret, ...(grafanaTimestampHeader !== undefined && { timestampHeader: grafanaTimestampHeader }) }
}
