/** What a policy says of measured load, from its fields. Pure. */
import { parseDuration } from '../../foundation/duration.ts'
import { parseWholeNumber } from '../../foundation/whole-number.ts'
import type { TaskResources } from '../../swarm/services.ts'
import { ONE, parseDecimal } from '../load/decimal.ts'
import { parsePath } from '../load/json-path.ts'
import type { LoadMetric, LoadPolicy } from '../load/load-policy.ts'
import { rates } from './field-grammar.ts'
import { type FieldLayer, issueOf, namesOf, type Picked, pick, writtenName } from './field-layer.ts'
import { errorIssue, warningIssue } from './issue.ts'
import type { PolicyIssue } from './policy.ts'
import { findField, LABEL_PREFIX } from './policy-fields.ts'

export interface LoadReading {
  /** Absent: no metric is followed, or something is wrong. */
  readonly load?: LoadPolicy
  readonly issues: readonly PolicyIssue[]
}

type Read = { readonly metric?: LoadMetric; readonly issue?: PolicyIssue }

/** A malformed field has its issue from its layer; here only what fields say together is judged. */
export function readLoad(layers: readonly FieldLayer[], resources: TaskResources): LoadReading {
  const read = [
    readUtilization('cpu', layers, resources.cpuNs),
    readUtilization('memory', layers, resources.memoryBytes),
    ...[...namesOf('metric', layers)].map((name) => readMetric(name, layers)),
  ]
  const metrics = read.flatMap(({ metric }) => metric ?? [])
  const behavior = readBehavior(layers)
  const issues = [...read.flatMap(({ issue }) => issue ?? []), ...behavior.issues]
  if (metrics.length === 0 || behavior.load === undefined) return { issues }
  return { load: { ...behavior.load, metrics }, issues }
}

function readUtilization(kind: 'cpu' | 'memory', layers: readonly FieldLayer[], each: number | undefined): Read {
  const written = pick(layers, `${kind}.target`)
  if (written === undefined) return {}
  const target = parseDecimal(written.value.replace(/%$/, ''))
  if (target === undefined || target === 0n) return {}
  if (each === undefined || !(each > 0)) {
    const key = kind === 'cpu' ? 'cpus' : 'memory'
    const message = `per cent of what? The service has neither a limit nor a reservation of ${kind}: write deploy.resources.limits.${key}`
    return { issue: issueOf(written, message) }
  }
  return { metric: { kind, name: kind, target } }
}

function readMetric(name: string, layers: readonly FieldLayer[]): Read {
  const of = (field: string) => pick(layers, `metric.${name}.${field}`)
  const [query, url, path, target, type] = [of('query'), of('url'), of('path'), of('target'), of('type')]
  const written = [query, url, path, target, type].flatMap((picked) => picked ?? [])
  if (!written.every(isWellFormed)) return {}
  const missing = (field: string, message: string): Read => ({
    issue: errorIssue({ field: `${LABEL_PREFIX}metric.${name}.${field}`, message }),
  })
  if (query !== undefined && url !== undefined) {
    return { issue: issueOf(url, 'a metric has one source: write `query` or `url`') }
  }
  const source = query ?? url
  if (source === undefined) return missing('query', 'a metric needs `query`, asked of Prometheus, or `url` and `path`')
  if (url !== undefined && path === undefined)
    return missing('path', 'with `url`, where its answer holds the number: `queue.depth`')
  if (query !== undefined && path !== undefined) {
    return { issue: issueOf(path, '`path` belongs to `url`; a query has none') }
  }
  if (target === undefined) return missing('target', 'required: what the metric is to be kept at')
  const wanted = parseDecimal(target.value)
  if (wanted === 0n)
    return { issue: issueOf(target, 'a target of 0 would need endless replicas; write a number above 0') }
  if (wanted === undefined || (type !== undefined && !isType(type.value))) return {}
  const named = {
    name,
    target: wanted,
    type: type !== undefined && isType(type.value) ? type.value : 'per-replica',
  } as const
  if (query !== undefined) return { metric: { kind: 'query', query: query.value, ...named } }
  if (url === undefined || path === undefined || parsePath(path.value) === undefined) return {}
  return { metric: { kind: 'url', url: url.value, path: path.value, ...named } }
}

const isType = (text: string): text is 'per-replica' | 'value' => text === 'per-replica' || text === 'value'

type Behavior = Omit<LoadPolicy, 'metrics'>

function readBehavior(layers: readonly FieldLayer[]): {
  readonly load?: Behavior
  readonly issues: readonly PolicyIssue[]
} {
  const of = (field: string) => pick(layers, field)
  const text = (field: string) => of(field)?.value ?? ''
  const windowUpMs = parseDuration(text('window.up'))
  const windowDownMs = parseDuration(text('window.down'))
  const warmupMs = parseDuration(text('warmup'))
  const tolerance = parseDecimal(text('tolerance'))
  const after = parseWholeNumber(text('fallback.after'))
  const mode = MODES.find((known) => known === text('fallback.mode'))
  const [rateUp, rateDown] = [rates.parse(text('rate.up')), rates.parse(text('rate.down'))]
  if (windowUpMs === undefined || windowDownMs === undefined || warmupMs === undefined) return { issues: [] }
  if (tolerance === undefined || after === undefined || mode === undefined) return { issues: [] }
  if (rateUp === undefined || rateDown === undefined) return { issues: [] }
  const issues: PolicyIssue[] = []
  const [written, fallback, replicas] = [of('tolerance'), of('fallback.mode'), of('fallback.replicas')]
  if (tolerance >= ONE && written !== undefined) {
    issues.push(issueOf(written, 'with a tolerance of 1 or more nothing ever shrinks; 10 % is written `0.1`'))
  }
  const count = replicas === undefined ? undefined : parseWholeNumber(replicas.value)
  if (mode !== 'hold' && replicas === undefined && fallback !== undefined) {
    issues.push(issueOf(fallback, `\`${mode}\` what? Write \`fallback.replicas\` beside it`))
  }
  if (mode === 'hold' && replicas !== undefined && isWellFormed(replicas)) {
    const message = 'without effect: write `fallback.mode` beside it, `static`, `at-least` or `at-most`'
    issues.push(warningIssue({ field: writtenName(replicas), value: replicas.value, message }))
  }
  if (issues.some(({ severity }) => severity === 'error')) return { issues }
  const bounds = { windowUpMs, windowDownMs, warmupMs, tolerance, rateUp, rateDown }
  return { load: { ...bounds, fallback: { after, mode, ...(count !== undefined && { replicas: count }) } }, issues }
}

const MODES = ['hold', 'static', 'at-least', 'at-most'] as const

const isWellFormed = ({ field, value }: Picked): boolean => findField(field)?.grammar.canonical(value) !== undefined
