/** From an environment to a Config, or one error that lists everything wrong with it. Pure. */
import type { TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { didYouMean } from '../foundation/did-you-mean.ts'
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
  const { env, role, description, default: fallback, secret, needs } = schema
  if (typeof env !== 'string' || typeof description !== 'string') throw new Error('a variable without a name')
  return {
    env,
    description,
    role: role === 'commands' || role === 'agent' ? role : 'serve',
    ...(typeof fallback === 'string' ? { default: fallback } : {}),
    ...(secret === true ? { secret } : {}),
    ...(typeof needs === 'string' ? { needs } : {}),
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
    if (message !== undefined) problems.push({ variable, value: secret ? '***' : withoutCredential(chosen), message })
  }
  problems.push(...missingProblems(env))
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
    return error instanceof Error ? error.message.replace(/"[^"]*@/g, '"***@') : String(error)
  }
}

/** A password in a URL is a secret too, most of all in what is no URL for it: with a `/` in the password, or no scheme. */
const withoutCredential = (value: string): string => value.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1***@')

/** Of each variable that is missing, once: the first one that needs it says so. */
function missingProblems(env: Environment): readonly ConfigProblem[] {
  const isSet = (variable: string) => (env[variable] ?? '') !== ''
  const missing = new Map<string, string>()
  for (const { env: variable, needs } of variables()) {
    if (needs !== undefined && isSet(variable) && !isSet(needs) && !missing.has(needs)) missing.set(needs, variable)
  }
  return [...missing].map(([variable, by]) => ({ variable, message: `is needed too, because ${by} is set` }))
}

/** What is allowed and worth a line in the log at the start. */
export function configWarnings(config: Config, env: Environment): readonly string[] {
  const warnings: string[] = [...misspelt(env)]
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

const PREFIX = 'ORRERY_'
/** Of the stack file and of the lab: names that are ours and no program's. */
const NOT_READ_HERE = /^ORRERY_(IMAGE|NETWORK|NETWORK_VERSION|LAB_\w+)$/

/** Nobody but this program reads `ORRERY_…`; of other unknown names nothing can be said. */
function misspelt(env: Environment): readonly string[] {
  const known = variables().flatMap((variable) => (variable.env.startsWith(PREFIX) ? [variable.env] : []))
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith(PREFIX) && env[name] !== '' && !known.includes(name) && !NOT_READ_HERE.test(name),
  )
  return unknown.map((name) => {
    const meant = didYouMean(
      name.slice(PREFIX.length),
      known.map((each) => each.slice(PREFIX.length)),
    )
    const hint = meant === undefined ? 'docs/configuration.md lists those there are' : `did you mean ${PREFIX}${meant}?`
    return `${name} is not a variable of this program and has no effect; ${hint}`
  })
}
