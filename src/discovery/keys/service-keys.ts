/** The `SERVICE_*` grammar of Registrator: what somebody wrote about the ports of a task, port-specific keys first. Pure. */
import { didYouMean } from '../../foundation/did-you-mean.ts'
import type { EntryIssue } from '../entry.ts'

/** From the weakest to the strongest. Only `SERVICE_*` and `orrery.*` of them is looked at. */
export interface KeyLayers {
  /** Of the service: `deploy.labels`. */
  readonly serviceLabels: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
  readonly containerLabels: Readonly<Record<string, string>>
}

export interface WrittenKey {
  /** As it was written: `SERVICE_80_NAME`. */
  readonly key: string
  readonly value: string
  readonly isOfPort: boolean
}

export type Issue = Omit<EntryIssue, 'service'>

export interface ServiceKeys {
  /** Ports that a `SERVICE_<port>_…` key names. */
  readonly namedPorts: readonly number[]
  /** What counts for one port, by the lower-case rest of the key: `name`, `check_http`, `region`. */
  ofPort(port: number): ReadonlyMap<string, WrittenKey>
  /** Whether SERVICE_NAME is set, for all ports or for this one. */
  isNamed(port?: number): boolean
  readonly issues: readonly Issue[]
}

export const PORTS_KEY = 'orrery.ports'
export const NETWORK_KEY = 'orrery.network'
const PREFIX = 'SERVICE_'
const MOST_SHOWN = 120
/** Of one task. Consul's Meta has room for 64. */
const MOST_KEYS = 1000

const CHECK_KEYS = [
  'check_http',
  'check_http_method',
  'check_https',
  'check_https_method',
  'check_cmd',
  'check_script',
  'check_ttl',
  'check_tcp',
  'check_grpc',
  'check_grpc_use_tls',
  'check_tls_skip_verify',
  'check_interval',
  'check_timeout',
  'check_initial_status',
  'check_deregister_after',
] as const

const shown = (value: string): string => (value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}…` : value)

export function issueOf(key: string, value: string, message: string, effect: Issue['effect'] = 'left-out'): Issue {
  return { key: shown(key), value: shown(value), message, effect }
}

export const isPort = (port: number): boolean => port >= 1 && port <= 65535

/** Any text but `false` sets a flag; Registrator takes `false` for set too. */
export const isSet = (written: WrittenKey | undefined): boolean =>
  written !== undefined && written.value !== '' && written.value.toLowerCase() !== 'false'

export function readServiceKeys({ serviceLabels, env, containerLabels }: KeyLayers): ServiceKeys {
  const generic = new Map<string, WrittenKey>()
  const byPort = new Map<number, Map<string, WrittenKey>>()
  const issues: Issue[] = []
  const written = [serviceLabels, env, containerLabels].flatMap((layer) =>
    // Sorted: keys that differ in case alone mean the same, and one of them must win every time.
    Object.entries(layer)
      .filter(([key]) => key.startsWith(PREFIX))
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  )
  if (written.length > MOST_KEYS) {
    issues.push(issueOf(PREFIX, '', `there are ${written.length} such keys; the last ${MOST_KEYS} of them are read`))
  }
  for (const [key, value] of written.slice(-MOST_KEYS)) {
    const rest = key.slice(PREFIX.length).toLowerCase()
    const [, digits, ofPort] = /^([0-9]+)(?:_(.*))?$/s.exec(rest) ?? []
    const port = digits === undefined ? undefined : Number(digits)
    const wrong = wrongKey(rest, port, ofPort)
    if (wrong !== undefined) issues.push(issueOf(key, value, wrong))
    else if (port === undefined) generic.set(rest, { key, value, isOfPort: false })
    else {
      const keys = byPort.get(port) ?? new Map<string, WrittenKey>()
      byPort.set(port, keys.set(ofPort ?? '', { key, value, isOfPort: true }))
    }
  }
  const ofPort = (port: number) => new Map([...generic, ...(byPort.get(port) ?? [])])
  return {
    namedPorts: [...byPort.keys()].toSorted((one, other) => one - other),
    ofPort,
    isNamed: (port) => ((port === undefined ? generic : ofPort(port)).get('name')?.value ?? '') !== '',
    issues,
  }
}

function wrongKey(rest: string, port: number | undefined, ofPort: string | undefined): string | undefined {
  if (rest === '') return 'names nothing: SERVICE_NAME, SERVICE_TAGS or SERVICE_<port>_NAME would be right'
  if (port !== undefined && !isPort(port)) return 'names a port beyond 65535: a port is a whole number from 1 to 65535'
  if (port !== undefined && (ofPort ?? '') === '')
    return `names a port and nothing of it: SERVICE_${port}_NAME would be right`
  const word = ofPort ?? rest
  if (!word.startsWith('check_') || (CHECK_KEYS as readonly string[]).includes(word)) return undefined
  const near = didYouMean(word, CHECK_KEYS)
  const right =
    near === undefined ? `known are ${CHECK_KEYS.join(', ').toUpperCase()}` : `did you mean ${near.toUpperCase()}?`
  return `is not a key of a check: ${right}`
}

/** A comma list in which `\,` is a comma; blanks around each are cut and empty ones dropped. */
export const splitTags = (text: string): string[] =>
  text
    .split(/(?<!\\),/)
    .map((tag) => tag.replaceAll('\\,', ',').trim())
    .filter((tag) => tag !== '')
