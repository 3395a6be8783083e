/**
 * The fields of a policy: names, grammars, defaults. The one list; docs/labels.md and autoscalers/README.md
 * are checked against it. As a label a field is `autoscaler.<name>`, in a file the same name nested. Pure.
 */
import {
  autoscalerName,
  cron,
  decimal,
  duration,
  type Grammar,
  httpUrl,
  jsonPath,
  oneOf,
  percentage,
  rates,
  step,
  text,
  timeZone,
  wholeNumberFrom,
} from './field-grammar.ts'

export const LABEL_PREFIX = 'autoscaler.'

export const ROLLOUT = ['hold', 'off'] as const
export const UNSCHEDULABLE = ['hold', 'off'] as const
export const PAUSED = ['false', 'true', 'up', 'down'] as const
export const BOOLEAN = ['true', 'false'] as const
export const ON_FIRING = ['step', 'repeat'] as const
export const ON_RESOLVED = ['none', 'down'] as const
export const ON_DEPLOY = ['restore', 'restore-now', 'accept'] as const
const METRIC_TYPE = ['per-replica', 'value']
const FALLBACK_MODE = ['hold', 'static', 'at-least', 'at-most']

/** Which of the two holds is known only where requests are decided. */
export const ALERT_TTL_DEFAULT = '6h; 30m without ALERTMANAGER_URL'

export interface FieldSpec {
  /** `<n>` stands for a name that the operator chooses. */
  readonly name: string
  readonly grammar: Grammar
  /** As the operator would write it, or in words what happens when it is absent. */
  readonly defaultText: string
  /** `false`: known and validated, but this version does not act on it. */
  readonly inForce: boolean
}

const field = (name: string, grammar: Grammar, defaultText: string): FieldSpec => ({
  name,
  grammar,
  defaultText,
  inForce: true,
})

const later = (name: string, grammar: Grammar, defaultText: string): FieldSpec => ({
  ...field(name, grammar, defaultText),
  inForce: false,
})

const NONE = '–'

export const POLICY_FIELDS: readonly FieldSpec[] = [
  field('enable', oneOf(BOOLEAN), NONE),
  field('name', autoscalerName, 'the service name'),
  field('min', wholeNumberFrom(0), '1'),
  field('max', wholeNumberFrom(0), 'required'),
  field('step', step, '1'),
  field('step.up', step, 'as step'),
  field('step.down', step, 'as step'),
  field('cooldown', duration, '30s'),
  field('cooldown.up', duration, 'as cooldown'),
  field('cooldown.down', duration, 'as cooldown'),
  field('rollout', oneOf(ROLLOUT), 'hold'),
  field('unschedulable', oneOf(UNSCHEDULABLE), 'hold'),
  field('paused', oneOf(PAUSED), 'false'),
  field('dry-run', oneOf(BOOLEAN), 'false'),
  field('on-firing', oneOf(ON_FIRING), 'step'),
  field('on-resolved', oneOf(ON_RESOLVED), 'none'),
  field('on-deploy', oneOf(ON_DEPLOY), 'restore'),
  field('alert-ttl', duration, ALERT_TTL_DEFAULT),
  field('schedule.<n>.from', cron, NONE),
  field('schedule.<n>.to', cron, NONE),
  field('schedule.<n>.for', duration, NONE),
  field('schedule.<n>.tz', timeZone, 'UTC'),
  field('schedule.<n>.min', wholeNumberFrom(0), NONE),
  field('schedule.<n>.max', wholeNumberFrom(0), NONE),
  later('cpu.target', percentage, NONE),
  later('memory.target', percentage, NONE),
  later('metric.<n>.query', text, NONE),
  later('metric.<n>.url', httpUrl, NONE),
  later('metric.<n>.path', jsonPath, NONE),
  later('metric.<n>.target', decimal, NONE),
  later('metric.<n>.type', oneOf(METRIC_TYPE), 'per-replica'),
  later('window.up', duration, '0s'),
  later('window.down', duration, '5m'),
  later('rate.up', rates, '4/15s,100%/15s'),
  later('rate.down', rates, '100%/15s'),
  later('tolerance', decimal, '0.1'),
  later('warmup', duration, '30s'),
  later('fallback.after', wholeNumberFrom(1), '3'),
  later('fallback.replicas', wholeNumberFrom(0), NONE),
  later('fallback.mode', oneOf(FALLBACK_MODE), 'hold'),
]

const BY_NAME = new Map(POLICY_FIELDS.map((spec) => [spec.name, spec]))

/** What holds when nobody wrote the field: every default of the table that is a value and no remark. */
export const DEFAULT_VALUES: ReadonlyMap<string, string> = new Map(
  POLICY_FIELDS.filter(
    ({ name, inForce, grammar, defaultText }) =>
      inForce && !name.includes('<n>') && grammar.canonical(defaultText) !== undefined,
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
