/** What is said of labels and policy files. */
import { parsePolicyYaml } from '../../../src/adapters/files/parse-policy-yaml.ts'
import type { PolicyFile } from '../../../src/autoscaling/policy/policy.ts'
import { readPolicy } from '../../../src/autoscaling/policy/read-policy.ts'
import { type RemedyCase, remediesOf } from './remedy.ts'

type Labels = Readonly<Record<string, string>>
type Mend = (...groups: readonly string[]) => Labels

interface Written {
  readonly labels: Labels
  readonly file?: PolicyFile
  readonly resources?: { readonly cpuNs?: number; readonly memoryBytes?: number }
}

const told = ({ labels, file, resources }: Written) => {
  const { issues, unsupported, optedIn } = readPolicy({
    serviceName: 'web',
    labels,
    file,
    resources,
  })
  return [
    ...issues.map(({ field, message }) => `${field}: ${message}`),
    ...(unsupported === undefined || !optedIn ? [] : [unsupported]),
  ]
}

const SOUND = { 'autoscaler.enable': 'true', 'autoscaler.max': '9' }
/** On top of a sound policy: fields without `autoscaler.`. */
const native = (fields: Labels): Labels =>
  Object.fromEntries(Object.entries(fields).map(([field, value]) => [`autoscaler.${field}`, value]))
const field = (bad: Labels, says: RegExp, ...mends: readonly Mend[]): RemedyCase<Written> => ({
  bad: { labels: { ...SOUND, ...native(bad) } },
  says,
  mends: mends.map((mend) => (...groups: readonly string[]) => ({ labels: { ...SOUND, ...native(mend(...groups)) } })),
})
const labels = (bad: Labels, says: RegExp, ...mends: readonly Mend[]): RemedyCase<Written> => ({
  bad: { labels: bad },
  says,
  mends: mends.map((mend) => (...groups: readonly string[]) => ({ labels: mend(...groups) })),
})
/** Fields of a metric that is sound but for them. */
const metric = (bad: Labels, says: RegExp, ...mends: readonly Labels[]): RemedyCase<Written> => {
  const named = (fields: Labels) => Object.fromEntries(Object.entries(fields).map(([k, v]) => [`metric.q.${k}`, v]))
  return field(named(bad), says, ...mends.map((mend) => () => named(mend)))
}
const QUERY = { query: 'sum(up)', target: '5' }
const URL = { url: 'http://queue/', path: 'depth', target: '5' }
const window_ = (bad: Labels, says: RegExp, ...mends: readonly Labels[]): RemedyCase<Written> => {
  const named = (fields: Labels) => Object.fromEntries(Object.entries(fields).map(([k, v]) => [`schedule.day.${k}`, v]))
  return field(named(bad), says, ...mends.map((mend) => () => named(mend)))
}
const DAY = { from: '0 8 * * *', to: '0 18 * * *', min: '3' }
const but = (fields: Labels, ...gone: readonly string[]): Labels =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !gone.includes(name)))

const file = (name: string, fields: Labels): PolicyFile => ({
  name,
  service: 'web',
  fields: { max: '9', ...fields },
  issues: [],
})

const read = remediesOf<Written>('labels', told, [
  field({ maximum: '9' }, /unknown field, ignored; did you mean autoscaler\.(\S+)\?/, (name = '') => ({ [name]: '9' })),
  field({ 'qqqq.zz': '9' }, /unknown field, ignored; docs\/labels.md lists the known ones/, () => ({})),
  field(
    Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`qqqq.z${at}`, '9'])),
    /5 more unknown fields, ignored; docs\/labels.md lists the known ones/,
    () => ({}),
  ),
  field({ paused: 'jes' }, /is not one of `false`, `(true)`, `up`, `down`; read as `true`/, (paused = '') => ({
    paused,
  })),
  labels(
    { ...SOUND, 'autoscaler.enable': 'yes' },
    /is not one of `(true)`, `false`; read as `false`/,
    (enable = '') => ({
      ...SOUND,
      'autoscaler.enable': enable,
    }),
  ),
  labels({ 'autoscaler.max': '9' }, /the other autoscaler labels have no effect; `(true)` opts in/, (enable = '') => ({
    ...SOUND,
    'autoscaler.enable': enable,
  })),
  labels(
    { 'Autoscaler.enable ': 'true', 'autoscaler.max': '9' },
    /the key .* is not read: it must be (\S+), with no blank, quote or capital/,
    (key = '') => ({ [key]: 'true', 'autoscaler.max': '9' }),
  ),
  labels(
    { ...SOUND, 'swarm.cronjob.enable': 'true' },
    /swarm-cronjob sets the replicas .* remove one of the two opt-ins/,
    () => SOUND,
    () => ({ 'swarm.cronjob.enable': 'true' }),
  ),
  labels({ 'autoscaler.enable': 'true' }, /autoscaler.(max): required: the largest count/, (name) => ({
    'autoscaler.enable': 'true',
    [`autoscaler.${name}`]: '9',
  })),
  field({ min: '10' }, /min 10 .* is above max 9 .*; min <= max is needed/, () => ({ min: '9' })),
  field({ min: 'x' }, /is not a whole number from (\d+) to/, (min = '') => ({ min })),
  field(
    { cooldown: 'soon' },
    /is not a duration: `(\w+)`, `(\w+)`, `(\w+)`, or a whole number of seconds/,
    (cooldown = '') => ({ cooldown }),
    (_, cooldown = '') => ({ cooldown }),
    (_, __, cooldown = '') => ({ cooldown }),
    () => ({ cooldown: '30' }),
  ),
  field(
    { step: '0' },
    /is not a whole number from (1) to \d+, or per cent from `(1%)` to `(\d+%)`/,
    (step = '') => ({ step }),
    (_, step = '') => ({ step }),
    (_, __, step = '') => ({ step }),
  ),
  field({ name: 'a b' }, /is not a name: a letter or digit, then up to 62 letters, digits, `_`, `.` or `-`/, () => ({
    name: `a${'.'.repeat(62)}`,
  })),
  field({ tolerance: '-1' }, /is not a number of 0 or more: `70`, `(0.1)`/, (tolerance = '') => ({ tolerance })),
  field({ tolerance: '10' }, /nothing ever shrinks; 10 % is written `(\S+)`/, (tolerance = '') => ({ tolerance })),
  field({ 'rate.up': '4' }, /is not rates such as `(\S+)`: replicas or per cent/, (rate = '') => ({ 'rate.up': rate })),
  {
    bad: { labels: { ...SOUND, 'autoscaler.cpu.target': 'high' }, resources: { cpuNs: 1e9 } },
    says: /is not per cent: `(70)` or `(70%)`/,
    mends: [
      (target = '') => ({ labels: { ...SOUND, 'autoscaler.cpu.target': target }, resources: { cpuNs: 1e9 } }),
      (_, target = '') => ({ labels: { ...SOUND, 'autoscaler.cpu.target': target }, resources: { cpuNs: 1e9 } }),
    ],
  },
  ...(['cpu', 'memory'] as const).map((kind): RemedyCase<Written> => {
    const of = { ...SOUND, [`autoscaler.${kind}.target`]: '70%' }
    return {
      bad: { labels: of },
      says: new RegExp(`neither a limit nor a reservation of ${kind}: write deploy.resources.limits.(cpus|memory)`),
      mends: [(key) => ({ labels: of, resources: key === 'cpus' ? { cpuNs: 1e9 } : { memoryBytes: 1e8 } })],
    }
  }),
  metric({ ...QUERY, ...URL }, /one source: write `query` or `url`/, QUERY, URL),
  metric({ target: '5' }, /a metric needs `query`, asked of Prometheus, or `url` and `path`/, QUERY, URL),
  metric(but(URL, 'path'), /with `url`, where its answer holds the number: `queue.depth`/, {
    ...URL,
    path: 'queue.depth',
  }),
  metric({ ...QUERY, path: 'depth' }, /`path` belongs to `url`; a query has none/, QUERY, URL),
  metric(but(QUERY, 'target'), /required: what the metric is to be kept at/, QUERY),
  metric({ ...QUERY, target: '0' }, /endless replicas; write a number above 0/, { ...QUERY, target: '0.1' }),
  metric({ ...URL, url: 'queue' }, /is not a URL that begins with `http:\/\/` or `https:\/\/`/, URL, {
    ...URL,
    url: 'https://queue',
  }),
  metric(
    { ...URL, path: 'a..b' },
    /is not a path into a JSON answer: `depth`, `queue.depth`/,
    URL,
    { ...URL, path: 'queue.depth' },
    { ...URL, path: 'items[0].depth' },
  ),
  field({ 'fallback.mode': 'static' }, /`static` what\? Write `fallback.replicas` beside it/, () => ({
    'fallback.mode': 'static',
    'fallback.replicas': '3',
  })),
  field(
    { 'fallback.replicas': '3' },
    /without effect: write `fallback.mode` beside it, `(static)`, `(at-least)` or `(at-most)`/,
    ...[0, 1, 2].map(
      (which): Mend =>
        (...modes) => ({ 'fallback.replicas': '3', 'fallback.mode': modes[which] ?? '' }),
    ),
  ),
  window_(but(DAY, 'from'), /a window needs `from`: a cron expression that opens it/, DAY),
  window_(but(DAY, 'to'), /`from` needs `to`, a cron expression, or `for`, a duration/, DAY, {
    ...but(DAY, 'to'),
    for: '10h',
  }),
  window_({ ...DAY, for: '10h' }, /`to` and `for` both end the window: write one of them/, DAY, {
    ...but(DAY, 'to'),
    for: '10h',
  }),
  window_(
    but(DAY, 'min'),
    /changes nothing: write `min`, `max` or both/,
    DAY,
    { ...but(DAY, 'min'), max: '5' },
    { ...DAY, max: '5' },
  ),
  window_({ ...DAY, to: DAY.from }, /never closes: whenever `to` fires, `from` fires too/, DAY),
  window_({ ...but(DAY, 'to'), for: '0s' }, /never open: `for` must be above 0/, { ...but(DAY, 'to'), for: '1s' }),
  window_({ ...but(DAY, 'to'), for: '25h' }, /longer than its period: `from` fires again after 86400 s/, {
    ...but(DAY, 'to'),
    for: '86400s',
  }),
  window_({ ...DAY, min: '5', max: '4' }, /is above max 4 inside the window; min <= max is needed/, {
    ...DAY,
    min: '4',
    max: '4',
  }),
  window_({ ...DAY, min: '12' }, /is above max 9, .* write `max` beside it/, { ...DAY, min: '12', max: '12' }),
  window_({ ...but(DAY, 'min'), max: '0' }, /is below min 1, .* write `min` beside it/, { ...DAY, min: '0', max: '0' }),
  window_(
    { ...DAY, tz: 'Berlin' },
    /is not a time zone that exists: `Europe\/Berlin`, `UTC`/,
    { ...DAY, tz: 'Europe/Berlin' },
    { ...DAY, tz: 'UTC' },
  ),
  window_(
    { ...DAY, from: '8' },
    /5 or 6 fields: .* it has 1 fields; 5 are needed \(`0 8 \* \* 1-5`\), or 6 with seconds first/,
    { ...DAY, from: '0 8 * * 1-5' },
    { ...DAY, from: '0 0 8 * * 1-5' },
  ),
  window_({ ...DAY, from: '0 25 * * *' }, /its hour `25` is not/, DAY),
  window_({ ...DAY, from: '0 8 30 2 *' }, /it never fires: no month that it names has such a day/, {
    ...DAY,
    from: '0 8 28 2 *',
  }),
  labels({ 'orbiter.up': '2' }, /not used: the label `(orbiter)` is missing, which opts in/, (label = '') => ({
    'orbiter.up': '2',
    [label]: '',
  })),
  labels({ orbiter: 'true', 'orbiter.ups': '2' }, /unknown label; did you mean (\S+)\?/, (label = '') => ({
    orbiter: 'true',
    [label]: '2',
  })),
  labels({ orbiter: 'true', 'orbiter.zzzzzz': '2' }, /unknown label; known: (\S+), /, (label = '') => ({
    orbiter: 'true',
    [label]: '2',
  })),
  labels(
    { 'com.df.scaleMin': '1', 'com.df.scaleMaxx': '2' },
    /unknown label; did you mean (com\S+)\?/,
    (label = '') => ({ 'com.df.scaleMin': '1', [label]: '2' }),
  ),
  labels({ 'swarm.autoscaler': 'yes' }, /does not opt in; only `(true)` does/, (value = '') => ({
    'swarm.autoscaler': value,
  })),
  labels({ orbiter: 'true', 'orbiter.up': 'two' }, /is not a whole number from (1) to \d+; 1 is used/, (up = '') => ({
    orbiter: 'true',
    'orbiter.up': up,
  })),
  {
    bad: { labels: {}, file: file('a b', {}) },
    says: /the file name "a b" is not .*; rename the file or write `(name)`/,
    mends: [
      () => ({ labels: {}, file: file('ab', {}) }),
      (name = '') => ({ labels: {}, file: file('a b', { [name]: 'ab' }) }),
    ],
  },
])

const toldOfText = (text: string) => {
  const parsed = parsePolicyYaml(text)
  return parsed.kind === 'unparsable' ? [parsed.message] : parsed.value.issues.map(({ message }) => message)
}
const texts = remediesOf<string>('the text of a policy file', toldOfText, [
  { bad: 'max: [10]\n', says: /a list; a text, a number, true or false is needed/, mends: [() => 'max: 10\n'] },
  {
    bad: 'max: 10\nservice:\n',
    says: /the name of a Swarm service is needed/,
    mends: [() => 'max: 10\nservice: web\n'],
  },
  { bad: '10\n', says: /fields and their values are needed: `(max: 10)`/, mends: [(line) => `${line}\n`] },
  { bad: 'max: 10\nmax: 9\n', says: /max is written twice/, mends: [() => 'max: 10\n'] },
])

export const policyRemedies = [...read, ...texts]
