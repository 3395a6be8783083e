/** Reads the files that the access rules and TLS come from. Throws an Error that names variable, file and what is wrong. */
import { readFile } from 'node:fs/promises'
import type { Config } from '../config/schema.ts'
import type { AccessRules } from '../http/access/judge.ts'
import { parseTokenFile } from '../http/access/tokens.ts'
import type { TlsFiles } from '../http/listen.ts'

export async function readAccessRules(config: Config): Promise<AccessRules> {
  const { orbiterAuthUser: user, orbiterAuthPass: pass, trustedCidrs, tokenFile } = config
  const orbiter = user !== undefined && pass !== undefined ? { user, pass } : undefined
  const common = { trustedCidrs, ...(orbiter && { orbiter }) }
  if (tokenFile === undefined) return common
  const { tokens, problems } = parseTokenFile(await readNamed('ORRERY_TOKEN_FILE', tokenFile))
  if (problems.length > 0) throw new Error(`ORRERY_TOKEN_FILE=${tokenFile}: ${problems.join('; ')}`)
  return { ...common, tokens }
}

export async function readTlsFiles({ tlsCertFile, tlsKeyFile, tlsCaFile }: Config): Promise<TlsFiles | undefined> {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined
  return {
    cert: await readNamed('ORRERY_TLS_CERT_FILE', tlsCertFile),
    key: await readNamed('ORRERY_TLS_KEY_FILE', tlsKeyFile),
    ...(tlsCaFile !== undefined && { ca: await readNamed('ORRERY_TLS_CA_FILE', tlsCaFile) }),
  }
}

async function readNamed(variable: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Error(`${variable}=${path} can not be read: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}
