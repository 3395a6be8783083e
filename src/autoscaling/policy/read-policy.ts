/** From labels and a file to a policy. Pure, total: whatever is written, the answer is a reading with its issues. */
import type { TaskResources } from '../../swarm/services.ts'
import { readAliases } from './aliases.ts'
import { autoscalerName } from './field-grammar.ts'
import { type FieldLayer, fieldValues, pick, readLayer } from './field-layer.ts'
import { errorIssue, quoted } from './issue.ts'
import { misspeltLabels, nativeLabels, readOptIn, unsupportedByLabels } from './opt-in.ts'
import type { PolicyField, PolicyFile, PolicyIssue, PolicyReading } from './policy.ts'
import { ALERT_TTL_DEFAULT, findField, LABEL_PREFIX, POLICY_FIELDS } from './policy-fields.ts'
import { readBounds } from './read-bounds.ts'
import { readLoad } from './read-load.ts'
import { readSchedules } from './read-schedules.ts'

export interface PolicySource {
  readonly serviceName: string
  /** The service's own labels, a null-prototype record. */
  readonly labels: Readonly<Record<string, string>>
  /** The policy file for this service, if there is one. */
  readonly file?: PolicyFile | undefined
  readonly resources?: TaskResources | undefined
}

interface Named {
  readonly field: PolicyField
  readonly issues: readonly PolicyIssue[]
}

/** The name in URLs: as written, else the file's own name, else the service's. */
const readName = (layers: readonly FieldLayer[], serviceName: string, file: PolicyFile | undefined): Named => {
  const ofService: PolicyField = { value: serviceName, source: 'default' }
  const isName = (name: string) => autoscalerName.canonical(name) !== undefined
  const written = pick(layers, 'name')
  if (written !== undefined) {
    // A malformed one has its issue from its layer; the autoscaler must still be found somewhere to show it.
    return { field: isName(written.value) ? { value: written.value, source: written.source } : ofService, issues: [] }
  }
  if (file === undefined) return { field: ofService, issues: [] }
  if (isName(file.name)) return { field: { value: file.name, source: 'file' }, issues: [] }
  const message = `the file name ${quoted(file.name)} is not ${autoscalerName.expects}; rename the file or write \`name\``
  return { field: ofService, issues: [errorIssue({ field: 'name', value: file.name, message })] }
}

/** `step` and `cooldown` stand for two fields each: shown only when written, the two always. */
const GENERAL = new Set(POLICY_FIELDS.flatMap(({ general }) => general ?? []))

/** Every active field, in the order of the table, then those with a name that the operator chose. */
const fieldsInForce = (layers: readonly FieldLayer[]): Map<string, PolicyField> => {
  const fields = new Map<string, PolicyField>()
  const written = layers.flatMap(({ values }) => [...values.keys()])
  for (const name of new Set([...POLICY_FIELDS.map((spec) => spec.name), ...written])) {
    const picked = pick(layers, name, findField(name)?.general ?? name)
    if (picked === undefined || (GENERAL.has(name) && picked.source === 'default')) continue
    fields.set(name, { value: picked.value, source: picked.source })
  }
  return fields
}

/** Never throws. A service that is not opted in has no policy; its issues say why labels there have no effect. */
export const readPolicy = ({ serviceName, labels, file, resources }: PolicySource): PolicyReading => {
  const byLabel = new Map(Object.entries(labels))
  const native = readLayer({ source: 'label', prefix: LABEL_PREFIX, texts: nativeLabels(byLabel) })
  const texts = file === undefined ? undefined : new Map(Object.entries(file.fields))
  const fromFile = texts === undefined ? undefined : readLayer({ source: 'file', prefix: '', texts })
  const aliases = readAliases(byLabel)
  const written = [native.layer, ...(fromFile === undefined ? [] : [fromFile.layer]), ...aliases.layers]
  const layers = [...written, aliases.defaults]

  const optIn = readOptIn({ label: native.layer, file: fromFile?.layer, families: aliases.inForce })
  const named = readName(layers, serviceName, file)
  const unsupported = unsupportedByLabels(byLabel)
  const bounds = optIn.optedIn ? readBounds(layers) : undefined
  const scheduled = bounds?.bounds === undefined ? undefined : readSchedules(layers, bounds.bounds)
  const measured = optIn.optedIn ? readLoad(layers, resources ?? {}) : undefined
  const issues = [
    ...optIn.issues,
    ...misspeltLabels(byLabel),
    ...native.issues,
    ...(file?.issues ?? []),
    ...(fromFile?.issues ?? []),
    ...aliases.issues,
    ...named.issues,
    ...(bounds?.issues ?? []),
    ...(scheduled?.issues ?? []),
    ...(measured?.issues ?? []),
  ]
  const isValid = !issues.some(({ severity }) => severity === 'error')
  const values = isValid ? fieldValues(layers) : undefined
  const policy =
    values !== undefined && bounds?.bounds !== undefined
      ? {
          schedules: scheduled?.windows ?? [],
          ...(measured?.load && { load: measured.load }),
          ...values,
          ...bounds.bounds,
        }
      : undefined

  const judged: readonly (readonly [string, PolicyField])[] = [
    ...(optIn.field === undefined ? [] : [['enable', optIn.field] as const]),
    ...(optIn.optedIn ? [['name', named.field] as const] : []),
    ...(bounds?.min === undefined ? [] : [['min', { value: bounds.min.value, source: bounds.min.source }] as const]),
  ]
  const fields = new Map([...judged, ...fieldsInForce(optIn.optedIn ? layers : written), ...judged])
  if (optIn.optedIn && !fields.has('alert-ttl'))
    fields.set('alert-ttl', { value: ALERT_TTL_DEFAULT, source: 'default' })
  return {
    optedIn: optIn.optedIn,
    name: named.field.value,
    ...(policy === undefined ? {} : { policy }),
    ...(unsupported === undefined ? {} : { unsupported }),
    fields: Object.fromEntries(fields),
    issues,
  }
}
