/** The table of docs/migrating-from-registrator.md: every row of what differs is held here, by its first cell. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { desiredOf } from '../../../src/discovery/desired/desired.ts'
import { entriesOf } from '../../../src/discovery/desired/task-entries.ts'
import type { TaskFacts } from '../../../src/discovery/facts.ts'
import { agentChecksOf } from '../../../src/discovery/plan/agent-difference.ts'
import { differenceOf } from '../../../src/discovery/plan/difference.ts'
import { aRunningTask, SETTINGS, type Told } from './support.ts'

const DOC = readFileSync(new URL('../../../docs/migrating-from-registrator.md', import.meta.url), 'utf8')
const ROWS = DOC.slice(DOC.indexOf('## What differs'))
  .split('\n')
  .flatMap((line) => /^\| (.+?) \| .* \|$/.exec(line)?.[1] ?? [])
  .slice(1)

const read = (told: Told, settings = SETTINGS) => entriesOf(aRunningTask(told), settings)
const first = (told: Told) => read(told).entries[0]
const names = (told: Told) => read(told).entries.map(({ name, port }) => `${name}:${port}`)
const isRegistered = (task: Partial<TaskFacts>) => {
  const running = aRunningTask()
  const world = {
    ...{ tasks: [{ ...running.task, ...task }], service: () => running.service, node: () => running.node },
    ...{ container: () => running.container, notReadySinceMs: new Map<string, number>() },
    rangeOwner: () => undefined,
  }
  return desiredOf(world, SETTINGS, 0).entries.size === 1
}
const two = [
  { network: 'vlan40', address: '172.80.1.7' },
  { network: 'lan', address: '10.1.1.1' },
]

const HELD: Readonly<Record<string, () => void>> = {
  'reads environment and container labels': () => {
    expect(names({ labels: { SERVICE_NAME: 'a' } })).toEqual(['a:80'])
    expect(names({ labels: { SERVICE_NAME: 'a' }, env: { SERVICE_NAME: 'b' } })).toEqual(['b:80'])
  },
  "the default name is the image's": () => expect(names({ service: 'shop_web' })).toEqual(['shop-web:80']),
  "the address is the host's, or that of a random network": () => {
    expect(first({})?.address).toBe('172.80.1.7')
    expect(first({ addresses: two, labels: { 'orrery.network': 'lan' } })?.address).toBe('10.1.1.1')
    expect(read({ addresses: two })).toMatchObject({ entries: [], issues: [{ key: 'orrery.network' }] })
  },
  'registers at start': () => expect([isRegistered({ state: 'starting' }), isRegistered({})]).toEqual([false, true]),
  'removes at `die`, after the grace period': () => expect(isRegistered({ desiredState: 'shutdown' })).toBe(false),
  'images without `EXPOSE` are left out': () => {
    expect(names({ exposed: [] })).toEqual([])
    expect(names({ exposed: [], labels: { 'orrery.ports': '80/tcp' } })).toEqual(['web:80'])
    expect(names({ exposed: [], env: { SERVICE_81_TAGS: 'x' } })).toEqual(['web:81'])
  },
  '`SERVICE_IGNORE=false` ignores': () => {
    const env = { SERVICE_IGNORE: 'false', SERVICE_CHECK_TCP: 'False' }
    expect(read({ env }).entries).toMatchObject([{ checks: [] }])
  },
  '`SERVICE_ID` replaces the id': () =>
    expect(read({ env: { SERVICE_ID: 'x' } })).toMatchObject({
      entries: [{ id: 'orrery:web.1.t1:80' }],
      issues: [{ key: 'SERVICE_ID', value: 'x' }],
    }),
  'one check at most': () =>
    expect(first({ env: { SERVICE_CHECK_HTTP: '/', SERVICE_CHECK_TCP: '1' } })?.checks).toMatchObject([
      { Name: 'HTTP' },
      { Name: 'TCP' },
    ]),
  'no check: no check': () => {
    const { entries } = read({})
    const [entry] = entries
    if (entry === undefined) throw new Error('no entry')
    const desired = { entries: new Map([[entry.id, entry]]), kept: new Set<string>() }
    const { steps } = differenceOf(desired, new Map(), { cluster: 'swarm1', spareNodes: new Set() })
    const written = steps.flatMap(({ writes }) => writes).filter(({ kind }) => kind === 'set-check')
    expect(written).toMatchObject([{ check: { serviceId: entry.id, status: 'passing' } }])
    expect(agentChecksOf(entry)).toMatchObject([{ Name: 'Swarm task', Status: 'passing' }])
  },
  '`CHECK_SCRIPT` is one argument': () =>
    expect(first({ env: { SERVICE_CHECK_SCRIPT: 'nc $SERVICE_IP 80' } })?.checks).toMatchObject([
      { Args: ['sh', '-c', 'nc 172.80.1.7 80'] },
    ]),
  '`check_*` keys are in Meta': () =>
    expect(Object.keys(first({ env: { SERVICE_CHECK_TCP: '1' } })?.meta ?? {})).not.toContain('check_tcp'),
  'one attribute that Consul refuses loses the entry': () =>
    expect(read({ env: { SERVICE_A: 'x'.repeat(513), SERVICE_B: 'y' } })).toMatchObject({
      entries: [{ meta: { b: 'y' } }],
      issues: [{ key: 'SERVICE_A', effect: 'left-out' }],
    }),
  'a name with `_` or `.` is registered': () => {
    for (const name of ['my_api', 'my.api'])
      expect(read({ env: { SERVICE_NAME: name } })).toMatchObject({ entries: [], issues: [{ effect: 'refused' }] })
  },
  'tags in reversed order': () => expect(first({ env: { SERVICE_TAGS: 'a, b ,c' } })?.tags).toEqual(['a', 'b', 'c']),
  '`CHECK_INTERVAL` and the like are sent as written': () =>
    expect(read({ env: { SERVICE_CHECK_TCP: '1', SERVICE_CHECK_INTERVAL: 'often' } })).toMatchObject({
      entries: [{ checks: [{ Interval: '10s' }] }],
      issues: [{ key: 'SERVICE_CHECK_INTERVAL', value: 'often', effect: 'left-out' }],
    }),
  'an IPv6 address stands bare in checks': () =>
    expect(
      first({ addresses: [{ network: 'vlan40', address6: 'fd00::7' }], env: { SERVICE_CHECK_TCP: '1' } })?.checks,
    ).toMatchObject([{ TCP: '[fd00::7]:80' }]),
  '`CHECK_TLS_SKIP_VERIFY` counts for gRPC alone': () =>
    expect(first({ env: { SERVICE_CHECK_HTTPS: '/', SERVICE_CHECK_TLS_SKIP_VERIFY: '1' } })?.checks).toMatchObject([
      { HTTP: 'https://172.80.1.7:80/', TLSSkipVerify: true },
    ]),
  '`-explicit`, `-cleanup`, `-resync`': () => {
    const explicit = { ...SETTINGS, isExplicit: true }
    expect(read({}, explicit).entries).toEqual([])
    expect(read({ env: { SERVICE_NAME: 'x' } }, explicit).entries).toHaveLength(1)
  },
}

/** Of these there is nothing to run: they say that something is not there. */
const SAID_ALONE = ['`-useIpFromLabel`, `-ip`, `-internal`', '`-tags`, `-ttl`, `-deregister on-success`']

describe('what differs from Registrator', () => {
  it('has a row for each of these, and no other', () => {
    expect(ROWS.toSorted()).toEqual([...Object.keys(HELD), ...SAID_ALONE].toSorted())
  })

  it.each(Object.entries(HELD))('%s', (_row, hold) => hold())
})
