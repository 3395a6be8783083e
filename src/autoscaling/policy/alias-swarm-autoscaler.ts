/** The labels of docker-swarm-autoscaler. Pure. */
import { type AliasReading, NO_MAX, readAliasFields, unknownAliasLabels } from './alias-family.ts'
import { quoted, warningIssue } from './issue.ts'

const OPT_IN = 'swarm.autoscaler'

const FIELDS = [
  { label: 'swarm.autoscaler.minimum', field: 'min', least: 0, fallback: '1' },
  { label: 'swarm.autoscaler.maximum', field: 'max', least: 0, fallback: 'no maximum, so no growth,' },
] as const

const DEFAULTS = new Map([
  ['min', '1'],
  ['max', NO_MAX],
])

const KNOWN = FIELDS.map(({ label }) => label)

/** `swarm.autoscaler=true` exactly opts in. */
export const readSwarmAutoscalerLabels = (labels: ReadonlyMap<string, string>): AliasReading => {
  const optIn = labels.get(OPT_IN)
  const nothing = { family: 'swarm.autoscaler', written: new Map<string, string>(), defaults: DEFAULTS } as const
  if (optIn === 'true') {
    const { written, issues } = readAliasFields(labels, FIELDS)
    const unknown = unknownAliasLabels(labels, { prefix: `${OPT_IN}.`, known: KNOWN })
    return { ...nothing, inForce: true, written, issues: [...issues, ...unknown] }
  }
  if (optIn !== undefined && optIn !== 'false') {
    const message = `${quoted(optIn)} does not opt in; only \`true\` does`
    return { ...nothing, inForce: false, issues: [warningIssue({ field: OPT_IN, value: optIn, message })] }
  }
  const idle = optIn === undefined ? KNOWN.find((label) => labels.has(label)) : undefined
  const message = 'not used: the label `swarm.autoscaler=true` is missing, which opts in'
  const issues = idle === undefined ? [] : [warningIssue({ field: idle, value: labels.get(idle), message })]
  return { ...nothing, inForce: false, issues }
}
