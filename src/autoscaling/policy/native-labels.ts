/** Orrery's own labels. Pure. */
import { LABEL_PREFIX } from './policy-fields.ts'

/** Written by the controller, no field of a policy: `autoscaler.state`. */
const PRODUCT_OWNED = ['state']

/** The `autoscaler.*` labels by field name, texts as written. */
export const nativeLabels = (labels: ReadonlyMap<string, string>): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>()
  for (const [label, text] of labels) {
    const name = label.startsWith(LABEL_PREFIX) ? label.slice(LABEL_PREFIX.length) : undefined
    if (name !== undefined && !PRODUCT_OWNED.includes(name)) fields.set(name, text)
  }
  return fields
}

/** Go's strconv.ParseBool, which swarm-cronjob reads its label with. */
const GO_TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const CRONJOB_LABEL = 'swarm.cronjob.enable'

/** Why no policy can scale this service, judged by its labels alone; `undefined`: nothing is in the way. */
export const unsupportedByLabels = (labels: ReadonlyMap<string, string>): string | undefined => {
  const cronjob = labels.get(CRONJOB_LABEL)
  if (cronjob === undefined || !GO_TRUE.includes(cronjob)) return undefined
  return `${CRONJOB_LABEL}=${cronjob}: swarm-cronjob sets the replicas of this service, and two controllers would undo each other; remove one of the two opt-ins`
}
