/** What is said of keys of registrations, of nodes of Consul, and of what its agents cannot be told. */
import { desiredOf } from '../../../src/discovery/desired/desired.ts'
import { entriesOf } from '../../../src/discovery/desired/task-entries.ts'
import type { CatalogNode } from '../../../src/discovery/plan/catalog.ts'
import { differenceOf } from '../../../src/discovery/plan/difference.ts'
import { watchAgents } from '../../../src/discovery/sync/agents.ts'
import { aRunningTask, SETTINGS, type Told } from '../discovery/support.ts'
import { type RemedyCase, remediesOf } from './remedy.ts'

const told = (task: Told) =>
  entriesOf(aRunningTask(task), SETTINGS).issues.map(({ key, value, message }) => `${key}=${value} ${message}`)

type Env = Readonly<Record<string, string>>
/** Keys in the environment; each mend is those that are right. */
const key = (
  env: Env,
  says: RegExp,
  ...mends: readonly ((...groups: readonly string[]) => Env)[]
): RemedyCase<Told> => ({
  bad: { env },
  says,
  mends: mends.map((mend) => (...groups) => ({ env: mend(...groups) })),
})
const one =
  (name: string, at = 0) =>
  (...right: readonly string[]): Env => ({ [name]: right[at] ?? '' })
const two = [
  { network: 'vlan40', address: '172.80.1.7' },
  { network: 'dmz', address: '10.9.1.7' },
]

/** By the name that it has in Consul. */
const consulNodes = remediesOf<string>(
  'a node of Consul',
  (name) => {
    const { entries } = entriesOf(aRunningTask(), SETTINGS)
    const theirs: CatalogNode = {
      name,
      address: '10.0.0.9',
      meta: {},
      index: 3,
      services: new Map(),
      checks: new Map(),
    }
    const wanted = { entries: new Map(entries.map((one) => [one.id, one])), kept: new Set<string>() }
    const by = { cluster: SETTINGS.cluster, spareNodes: new Set<string>() }
    const { issues, steps } = differenceOf(wanted, new Map([[name, theirs]]), by)
    return [...issues.map(({ message }) => message), ...(steps.length === 0 && issues.length === 0 ? ['nothing'] : [])]
  },
  [
    {
      bad: 'swarm-host1',
      says: /is somebody else's node in Consul .*: rename it, entries of (\w+) belong there/,
      mends: [(hostname = '') => `their-${hostname}`],
    },
  ],
)

/** A task's tags. */
const consulAgents = remediesOf<string>(
  'a Consul agent',
  (tags) => {
    const { task, service, node, container } = aRunningTask({ env: { SERVICE_TAGS: tags } })
    const world = {
      ...{ tasks: [task], service: () => service, node: () => node, container: () => container },
      rangeOwner: () => undefined,
    }
    const desired = desiredOf({ ...world, notReadySinceMs: new Map() }, SETTINGS, 0)
    const quiet = () => {}
    const watch = watchAgents({
      ...{ settings: () => SETTINGS, desire: { of: () => desired }, tasks: { list: () => [task] }, now: () => 0 },
      ...{ consul: { address: '', instances: async () => [] }, nodes: { get: () => undefined } },
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    })
    return watch.issues().map(({ message }) => message)
  },
  [
    {
      bad: 'x'.repeat(40_000),
      says: /is longer than (\d+) characters, more than is sent to an agent: shorten its tags/,
      mends: [(most) => 'x'.repeat(Number(most) / 2)],
    },
  ],
)

const keys = remediesOf<Told>('registrations', told, [
  key(
    { SERVICE_NAME: 'my web' },
    /DNS cannot say: 1 to (\d+) letters, digits and hyphens, with none of these at an end/,
    (most) => ({
      SERVICE_NAME: 'w'.repeat(Number(most)),
    }),
  ),
  {
    bad: { exposed: [], env: { SERVICE_NAME: 'web' } },
    says: /no port is known of it: EXPOSE one in the image, or write (\S+)=(\S+)/,
    mends: [
      () => ({ exposed: ['80/tcp'], env: { SERVICE_NAME: 'web' } }),
      (name = '', port = '') => ({ exposed: [], env: { SERVICE_NAME: 'web' }, labels: { [name]: port } }),
    ],
  },
  {
    bad: { exposed: Array.from({ length: 150 }, (_, at) => `${8000 + at}/tcp`) },
    says: /^(\S+)=\S* has to name the ports to register: the task has 150, and at most (\d+) are/,
    mends: [
      (name = '', most) => ({
        exposed: Array.from({ length: 150 }, (_, at) => `${8000 + at}/tcp`),
        labels: { [name]: Array.from({ length: Number(most) }, (_, at) => `${8000 + at}/tcp`).join(',') },
      }),
    ],
  },
  {
    bad: { addresses: two },
    says: /^(\S+)= has to name one of the networks of the task: (\w+), (\w+)/,
    mends: [
      (name = '', network = '') => ({ addresses: two, labels: { [name]: network } }),
      (name = '', _, network = '') => ({ addresses: two, labels: { [name]: network } }),
    ],
  },
  {
    bad: { labels: { 'orrery.network': 'lan' } },
    says: /^(\S+)=lan is not a routable network of the task: it is on (\w+)/,
    mends: [(name = '', network = '') => ({ labels: { [name]: network } })],
  },
  {
    bad: { labels: { 'orrery.ports': 'http' } },
    says: /is not a port: (\S+), (\S+) or (\d+) would be right/,
    mends: [0, 1, 2].map((at) => (...right: readonly string[]) => ({ labels: { 'orrery.ports': right[at] ?? '' } })),
  },
  key(
    { SERVICE_CHECK_TTL: 'soon' },
    /is not a duration: (\w+), (\w+) or (\w+) would be right/,
    one('SERVICE_CHECK_TTL'),
    one('SERVICE_CHECK_TTL', 1),
    one('SERVICE_CHECK_TTL', 2),
  ),
  key(
    { SERVICE_CHECK_HTTP: 'health' },
    /must begin with a slash and hold no blanks, as (\S+)/,
    one('SERVICE_CHECK_HTTP'),
  ),
  key(
    { SERVICE_CHECK_INITIAL_STATUS: 'ok' },
    /not a status of Consul's: (\w+), (\w+), (\w+) would be right/,
    ...[0, 1, 2].map((at) => one('SERVICE_CHECK_INITIAL_STATUS', at)),
  ),
  key({ 'SERVICE_MANAGED-BY': 'me' }, /has a name that says whose the entry is; choose another/, () => ({
    SERVICE_OWNER: 'me',
  })),
  key(
    { [`SERVICE_${'A'.repeat(200)}`]: 'x' },
    /has a name of 200 characters; at most (\d+) would be right/,
    (most) => ({
      [`SERVICE_${'A'.repeat(Number(most))}`]: 'x',
    }),
  ),
  key({ SERVICE_ABOUT: 'x'.repeat(600) }, /is 600 bytes long; at most (\d+) would be right/, (most) => ({
    SERVICE_ABOUT: 'x'.repeat(Number(most)),
  })),
  key(
    { SERVICE_: 'x' },
    /names nothing: (\w+), (\w+) or SERVICE_<port>_NAME would be right/,
    () => ({ SERVICE_NAME: 'x' }),
    () => ({ SERVICE_TAGS: 'x' }),
    () => ({ SERVICE_80_NAME: 'x' }),
  ),
  key({ SERVICE_70000_NAME: 'x' }, /a port is a whole number from 1 to (\d+)/, (port) => ({
    [`SERVICE_${port}_NAME`]: 'x',
  })),
  key({ SERVICE_80_: 'x' }, /names a port and nothing of it: (\w+) would be right/, (name = '') => ({ [name]: 'x' })),
  key({ SERVICE_CHECK_HTTPP: '/health' }, /is not a key of a check: did you mean (\w+)\?/, (name) => ({
    [`SERVICE_${name}`]: '/health',
  })),
  key({ SERVICE_CHECK_XYZZY: '/health' }, /is not a key of a check: known are (\w+), /, (name) => ({
    [`SERVICE_${name}`]: '/health',
  })),
])

export const registrationRemedies = [...keys, ...consulNodes, ...consulAgents]
