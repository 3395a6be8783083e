/** The `CHECK_*` keys of one port as checks for a Consul agent; every kind that is named becomes one. Pure. */
import { hostPort } from '../../foundation/host-port.ts'
import type { NativeCheck } from '../entry.ts'
import { type Issue, isSet, issueOf, type WrittenKey } from './service-keys.ts'

export interface CheckTarget {
  readonly address: string
  readonly port: number
  readonly containerId: string
}

const DEFAULT_INTERVAL = '10s'
const STATUSES = ['passing', 'warning', 'critical']
/** Go's, as Consul reads them. */
const DURATION = /^(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+$/

type Keys = ReadonlyMap<string, WrittenKey>

export function checksOf(
  keys: Keys,
  target: CheckTarget,
): { readonly checks: readonly NativeCheck[]; readonly issues: readonly Issue[] } {
  const issues: Issue[] = []
  const value = (name: string) => keys.get(name)?.value || undefined
  const duration = (name: string) => {
    const written = keys.get(name)
    if (written === undefined || written.value === '') return undefined
    if (DURATION.test(written.value)) return written.value
    issues.push(issueOf(written.key, written.value, 'is not a duration: 10s, 500ms or 1m30s would be right'))
    return undefined
  }
  const path = (name: string) => {
    const written = keys.get(name)
    if (written === undefined || written.value === '') return undefined
    if (/^\/\S*$/.test(written.value)) return written.value
    issues.push(
      issueOf(written.key, written.value, 'is not a path: it must begin with a slash and hold no blanks, as /health'),
    )
    return undefined
  }

  const at = hostPort(target.address, target.port)
  const interval = { Interval: duration('check_interval') ?? DEFAULT_INTERVAL }
  const [timeoutText, status, after] = [
    duration('check_timeout'),
    statusOf(keys, issues),
    duration('check_deregister_after'),
  ]
  const timeout = timeoutText === undefined ? {} : { Timeout: timeoutText }
  const common = {
    ...(status !== undefined && { Status: status }),
    ...(after !== undefined && { DeregisterCriticalServiceAfter: after }),
  }
  const skip = isSet(keys.get('check_tls_skip_verify')) ? { TLSSkipVerify: true } : {}
  const method = (name: string) => {
    const text = value(name)
    return text === undefined ? {} : { Method: text.toUpperCase() }
  }

  const checks: NativeCheck[] = []
  const add = (Name: string, own: Omit<NativeCheck, 'Name'>) => checks.push({ Name, ...own, ...common })
  const [http, https] = [path('check_http'), path('check_https')]
  if (http !== undefined)
    add('HTTP', { HTTP: `http://${at}${http}`, ...method('check_http_method'), ...interval, ...timeout })
  if (https !== undefined)
    add('HTTPS', { HTTP: `https://${at}${https}`, ...method('check_https_method'), ...skip, ...interval, ...timeout })
  const cmd = value('check_cmd')
  if (cmd !== undefined)
    add('command', { Args: ['check-cmd', target.containerId.slice(0, 12), String(target.port), cmd], ...interval })
  const script = value('check_script')
  if (script !== undefined) {
    const line = script.replaceAll('$SERVICE_IP', target.address).replaceAll('$SERVICE_PORT', String(target.port))
    add('script', { Args: ['sh', '-c', line], ...interval })
  }
  const ttl = duration('check_ttl')
  if (ttl !== undefined) add('TTL', { TTL: ttl })
  if (isSet(keys.get('check_tcp'))) add('TCP', { TCP: at, ...interval, ...timeout })
  if (isSet(keys.get('check_grpc'))) {
    const tls = isSet(keys.get('check_grpc_use_tls')) ? { GRPCUseTLS: true, ...skip } : {}
    add('gRPC', { GRPC: at, ...tls, ...interval, ...timeout })
  }
  return { checks, issues }
}

function statusOf(keys: Keys, issues: Issue[]): string | undefined {
  const written = keys.get('check_initial_status')
  if (written === undefined || written.value === '') return undefined
  if (STATUSES.includes(written.value)) return written.value
  issues.push(issueOf(written.key, written.value, `is not a status of Consul's: ${STATUSES.join(', ')} would be right`))
  return undefined
}
