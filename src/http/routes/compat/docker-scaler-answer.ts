/** What became of a request in docker-scaler's codes and messages; what it never had is said in its form. */
import type { Autoscaler } from '../../../autoscaling/autoscaler.ts'
import type { Decision } from '../../../autoscaling/decision/decision.ts'
import type { ServiceMode } from '../../../swarm/services.ts'
import { type HttpProblem, isTransient, PROBLEMS } from '../../problem.ts'

export interface DockerScalerAnswer {
  readonly status: number
  readonly message: string
}

/** An alert is told in 4xx what no repeat can mend: Alertmanager would repeat docker-scaler's 500 for ever. */
export type Caller = 'plain' | 'alert'

export function decisionAnswer(decision: Decision, autoscaler: Autoscaler, caller: Caller): DockerScalerAnswer {
  const { service, outcome, code, reason, from, to } = decision
  const { bounds } = autoscaler
  const ok = (message: string): DockerScalerAnswer => ({ status: 200, message })
  if (outcome === 'invalid-policy') return { status: PROBLEMS['invalid-policy'].status, message: reason }
  if (outcome === 'unsupported') {
    const status = caller === 'plain' ? 500 : PROBLEMS.unsupported.status
    return { status, message: unsupported(service, autoscaler.observation.mode, reason) }
  }
  if (outcome === 'scaled') {
    const range = bounds ? ` (min: ${bounds.min}, max: ${bounds.max ?? 'none'})` : ''
    return ok(`Scaling ${service} from ${from} to ${to} replicas${range}`)
  }
  if (code === 'at-max') {
    return ok(`${service} is already scaled to the maximum number of ${bounds?.max ?? to} replicas`)
  }
  if (code === 'at-min')
    return ok(`${service} is already descaled to the minimum number of ${bounds?.min ?? to} replicas`)
  return ok(`${service} is not scaled: ${reason}`)
}

function unsupported(service: string, mode: ServiceMode, reason: string): string {
  if (mode === 'global') return `${service} is a global service (can not be scaled)`
  if (mode !== 'replicated') return `Unable to recognize service model for: ${service}`
  return `${service} can not be scaled: ${reason}`
}

/** `undefined`: what a retry can mend, or a fault of ours, which is 5xx for everybody. */
export function problemAnswer({ code, message }: HttpProblem, caller: Caller): DockerScalerAnswer | undefined {
  if (isTransient(code) || code === 'internal') return undefined
  const { status } = PROBLEMS[code]
  if (caller === 'alert') return { status: status < 500 ? status : 409, message }
  if (code === 'unknown-autoscaler') {
    return { status: 500, message: `docker inspect failed in ScalerService: ${message}` }
  }
  return { status: code === 'write-rejected' ? 500 : status, message }
}
