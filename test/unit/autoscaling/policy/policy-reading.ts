/** Readings of services as tests write them: labels only, as the engine adapter hands them over. */
import type { PolicyFile, PolicyReading } from '../../../../src/autoscaling/policy/policy.ts'
import { readPolicy } from '../../../../src/autoscaling/policy/read-policy.ts'

export const labelsOf = (labels: Record<string, string>): Readonly<Record<string, string>> =>
  Object.assign(Object.create(null), labels)

export const reading = (labels: Record<string, string>, file?: Partial<PolicyFile>): PolicyReading =>
  readPolicy({
    serviceName: 'web',
    labels: labelsOf(labels),
    file: file && { name: 'web', service: 'web', fields: {}, issues: [], ...file },
  })

/** A native policy with `max: 10` and whatever else. */
export const native = (labels: Record<string, string> = {}): Record<string, string> => ({
  'autoscaler.enable': 'true',
  'autoscaler.max': '10',
  ...labels,
})

/** `error autoscaler.max`: enough to tell issues apart. */
export const issuesOf = ({ issues }: PolicyReading): string[] =>
  issues.map(({ severity, field }) => `${severity} ${field}`)
