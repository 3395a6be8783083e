/**
 * The fields of a policy: names, grammars, defaults, and the members of `Policy` that they become. The one list: types and
 * parsers follow from it, docs/labels.md and autoscalers/README.md are checked against it. As a label a field is `autoscaler.<name>`, in a file the same name nested. Pure.
 */
import {
  autoscalerName,
  boolean,
  cron,
  decimal,
  duration,
  type Grammar,
  httpUrl,
  jsonPath,
  oneOf,
  pauseScope,
  percentage,
  rates,
  step,
  text,
  timeZone,
  wholeNumberFrom,
} from './field-grammar.ts'

export const LABEL_PREFIX = 'autoscaler.'

/** Which of the two holds is known only where requests are decided. */
export const ALERT_TTL_DEFAULT = '6h; 30m without ALERTMANAGER_URL'

export interface FieldSpec<T = unknown> {
  /** `<n>` stands for a name that the operator chooses: a family of fields. */
  readonly name: string
  readonly grammar: Grammar<T>
  /** As the operator would write it, or in words what happens when it is absent. */
  readonly defaultText: string
  /** The member of the policy that it becomes; absent: it is read together with others. */
  readonly member?: string
  /** The field that says it for this one too, where this one is not written. */
  readonly general?: string
}

const field = <T>(name: string, grammar: Grammar<T>, defaultText: string) => ({
  name,
  grammar,
  defaultText,
})

const as = <const M extends string, Row extends object>(member: M, row: Row, general?: string) => ({
  ...row,
  member,
  ...(general !== undefined && { general }),
})

const NONE = '–'

const ROWS = [
  field('enable', boolean, NONE),
  field('name', autoscalerName, 'the service name'),
  field('min', wholeNumberFrom(0), '1'),
  field('max', wholeNumberFrom(0), 'required'),
  field('step', step, '1'),
  as('stepUp', field('step.up', step, 'as step'), 'step'),
  as('stepDown', field('step.down', step, 'as step'), 'step'),
  field('cooldown', duration, '30s'),
  as('cooldownUpMs', field('cooldown.up', duration, 'as cooldown'), 'cooldown'),
  as('cooldownDownMs', field('cooldown.down', duration, 'as cooldown'), 'cooldown'),
  as('rollout', field('rollout', oneOf('hold', 'off'), 'hold')),
  as('unschedulable', field('unschedulable', oneOf('hold', 'off'), 'hold')),
  as('paused', field('paused', pauseScope, 'false')),
  as('dryRun', field('dry-run', boolean, 'false')),
  as('onFiring', field('on-firing', oneOf('step', 'repeat'), 'step')),
  as('onResolved', field('on-resolved', oneOf('none', 'down'), 'none')),
  as('onDeploy', field('on-deploy', oneOf('restore', 'restore-now', 'accept'), 'restore')),
  as('alertTtlMs', field<number | undefined>('alert-ttl', duration, ALERT_TTL_DEFAULT)),
  field('schedule.<n>.from', cron, NONE),
  field('schedule.<n>.to', cron, NONE),
  field('schedule.<n>.for', duration, NONE),
  field('schedule.<n>.tz', timeZone, 'UTC'),
  field('schedule.<n>.min', wholeNumberFrom(0), NONE),
  field('schedule.<n>.max', wholeNumberFrom(0), NONE),
  field('cpu.target', percentage, NONE),
  field('memory.target', percentage, NONE),
  field('metric.<n>.query', text, NONE),
  field('metric.<n>.url', httpUrl, NONE),
  field('metric.<n>.path', jsonPath, NONE),
  field('metric.<n>.target', decimal, NONE),
  field('metric.<n>.type', oneOf('per-replica', 'value'), 'per-replica'),
  field('window.up', duration, '0s'),
  field('window.down', duration, '5m'),
  field('rate.up', rates, '4/15s,100%/15s'),
  field('rate.down', rates, '100%/15s'),
  field('tolerance', decimal, '0.1'),
  field('warmup', duration, '30s'),
  field('fallback.after', wholeNumberFrom(1), '3'),
  field('fallback.replicas', wholeNumberFrom(0), NONE),
  field('fallback.mode', oneOf('hold', 'static', 'at-least', 'at-most'), 'hold'),
] as const

type Member = Extract<(typeof ROWS)[number], { readonly member: string }>

/** What the fields that are members of a policy by themselves come to. */
export type FieldValues = {
  readonly [Row in Member as Row['member']]: Row['grammar'] extends Grammar<infer T> ? T : never
}

export const POLICY_FIELDS: readonly FieldSpec[] = ROWS

const BY_NAME = new Map(POLICY_FIELDS.map((spec) => [spec.name, spec]))

/** What holds when nobody wrote the field: every default of the table that is a value and no remark. */
export const DEFAULT_VALUES: ReadonlyMap<string, string> = new Map(
  POLICY_FIELDS.filter(
    ({ name, grammar, defaultText }) => !name.includes('<n>') && grammar.canonical(defaultText) !== undefined,
  ).map(({ name, defaultText }) => [name, defaultText]),
)

/** `schedule.night.from` is an instance of `schedule.<n>.from`. */
const asPattern = (name: string): string => name.replace(/^(schedule|metric)\.[A-Za-z0-9_-]{1,63}\./, '$1.<n>.')

export const findField = (name: string): FieldSpec | undefined => BY_NAME.get(asPattern(name))

/** Every name a field of this spelling could have been meant as, `<n>` filled in with what was written there. */
export const candidateNames = (written: string): readonly string[] => {
  const chosen = /^[^.]+\.([A-Za-z0-9_-]{1,63})\./.exec(written)?.[1]
  return POLICY_FIELDS.map(({ name }) => (chosen === undefined ? name : name.replace('<n>', chosen)))
}
