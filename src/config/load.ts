/** From an environment to a Config, or one error that lists everything wrong with it. Pure. */
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { type Config, ConfigSchema } from './schema.ts'
import type { VariableOptions } from './variable.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface ConfigProblem {
  readonly variable: string
  /** As written; absent when not set, `***` when it is a secret. */
  readonly value?: string
  /** What is wrong and what would be right. */
  readonly message: string
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(['The configuration has errors:', ...problems.map(problemLine)].join('\n'))
    this.problems = problems
  }
}

const problemLine = ({ variable, value, message }: ConfigProblem): string =>
  value === undefined ? `  ${variable}: ${message}` : `  ${variable}=${value}: ${message}`

/** What each variable says of itself, in the order of the schema. */
export function variables(): readonly (VariableOptions & { readonly field: string })[] {
  return Object.entries<TSchema>(ConfigSchema.properties).map(([field, schema]) => ({ field, ...options(schema) }))
}

function options(schema: TSchema): VariableOptions {
  const { env, role, description, default: fallback, secret } = schema
  if (typeof env !== 'string' || typeof description !== 'string') throw new Error('a variable without a name')
  return {
    env,
    description,
    role: role === 'commands' || role === 'agent' ? role : 'serve',
    ...(typeof fallback === 'string' ? { default: fallback } : {}),
    ...(secret === true ? { secret } : {}),
  }
}

/**
 * An empty variable counts as not set, since compose files write `${X:-}`. Unknown variables are left alone.
 * Throws ConfigError with every problem at once.
 */
export function loadConfig(env: Environment): Config {
  const problems: ConfigProblem[] = []
  const written: Record<string, string> = {}
  for (const { field, env: variable, default: fallback, secret } of variables()) {
    const value = env[variable] === '' ? undefined : env[variable]
    const chosen = value ?? fallback
    if (chosen === undefined) continue
    written[field] = chosen
    const message = whatIsWrong(field, chosen)
    if (message !== undefined) problems.push({ variable, value: secret ? '***' : withoutUserInfo(chosen), message })
  }
  problems.push(...pairProblems(written))
  if (problems.length > 0) throw new ConfigError(problems)
  return Value.Decode(ConfigSchema, written)
}

function whatIsWrong(field: string, value: string): string | undefined {
  const schema = Object.entries<TSchema>(ConfigSchema.properties).find(([name]) => name === field)?.[1]
  if (schema === undefined) return undefined
  try {
    Value.Decode(schema, value)
    return undefined
  } catch (error) {
    return error instanceof Error ? withoutUserInfo(error.message) : String(error)
  }
}

/** A password in a URL is a secret too. */
const withoutUserInfo = (text: string): string => text.replace(/\/\/[^/@\s]+@/g, '//***@')

function pairProblems(written: Readonly<Record<string, string>>): readonly ConfigProblem[] {
  const needs = (field: string, variable: string, other: { field: string; variable: string }): ConfigProblem[] =>
    written[field] !== undefined && written[other.field] === undefined
      ? [{ variable: other.variable, message: `is needed too, because ${variable} is set` }]
      : []
  const cert = { field: 'tlsCertFile', variable: 'ORRERY_TLS_CERT_FILE' }
  const key = { field: 'tlsKeyFile', variable: 'ORRERY_TLS_KEY_FILE' }
  const user = { field: 'orbiterAuthUser', variable: 'ORBITER_AUTH_USER' }
  const pass = { field: 'orbiterAuthPass', variable: 'ORBITER_AUTH_PASS' }
  const secret = { field: 'grafanaSecretFile', variable: 'ORRERY_GRAFANA_SECRET_FILE' }
  return [
    ...needs(cert.field, cert.variable, key),
    ...needs(key.field, key.variable, cert),
    ...(written[key.field] === undefined ? needs('tlsCaFile', 'ORRERY_TLS_CA_FILE', cert) : []),
    ...needs(user.field, user.variable, pass),
    ...needs(pass.field, pass.variable, user),
    ...needs('grafanaTimestampHeader', 'ORRERY_GRAFANA_TIMESTAMP_HEADER', secret),
  ]
}

/** What is allowed and worth a line in the log at the start. */
export function configWarnings(config: Config): readonly string[] {
  const warnings: string[] = []
  if (config.dockerApiVersion !== undefined) {
    warnings.push(
      `DOCKER_API_VERSION=${config.dockerApiVersion} is honoured, but an engine that is spoken to in an older version strips newer fields from every service that is scaled; better leave it out`,
    )
  }
  if (config.tokenFile === undefined && config.trustedCidrs.length > 0) {
    warnings.push(
      `everybody in ${config.trustedCidrs.join(', ')} may scale without a credential; set ORRERY_TOKEN_FILE to ask for one`,
    )
  }
  if (config.tokenFile !== undefined && config.trustedCidrs.length > 0) {
    warnings.push('ORRERY_TRUSTED_CIDRS has no effect, because ORRERY_TOKEN_FILE is set')
  }
  return warnings
}
