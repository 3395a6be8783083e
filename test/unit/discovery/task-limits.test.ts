/** Tasks that say more of themselves than anybody registers: what they cost has an end, and it is said. */
import { expect, it } from 'vitest'
import { entriesOf } from '../../../src/discovery/desired/task-entries.ts'
import { aRunningTask, SETTINGS, type Told } from './support.ts'

const many = (count: number, of: (n: number) => string) => Array.from({ length: count }, (_, n) => of(n + 1))
const keys = (count: number, of: (n: number) => string) => Object.fromEntries(many(count, of).map((key) => [key, 'x']))

const told: readonly { readonly name: string; readonly told: Told; readonly entries: number; readonly says: RegExp }[] =
  [
    {
      name: 'every port there is',
      told: { exposed: many(65_535, (n) => `${n}/tcp`) },
      entries: 0,
      says: /^refused orrery\.ports: has to name the ports to register: the task has 65535, and at most 100 are/,
    },
    {
      name: 'one more port than are registered',
      told: { exposed: many(101, (n) => `${n}/tcp`) },
      entries: 0,
      says: /^refused orrery\.ports: .* has 101/,
    },
    {
      name: 'more keys than are read',
      told: { exposed: many(100, (n) => `${n}/tcp`), env: keys(20_000, (n) => `SERVICE_CHECK_HTTPX${n}`) },
      entries: 100,
      says: /^left-out SERVICE_: there are 20000 such keys; the last 1000 of them are read/,
    },
  ]

it.each(told)('$name', ({ told: task, entries, says }) => {
  const before = process.cpuUsage()
  const found = entriesOf(aRunningTask(task), SETTINGS)
  const { user, system } = process.cpuUsage(before)
  expect(found.entries).toHaveLength(entries)
  expect(found.issues.map(({ effect, key, message }) => `${effect} ${key}: ${message}`)[0]).toMatch(says)
  // Microseconds. Without an end 2000 ports with 2000 keys took 8 s.
  expect(user + system).toBeLessThan(4_000_000)
})

it('a hundred ports are registered, and those that are ignored do not count', () => {
  const exposed = many(101, (n) => `${n}/tcp`)
  expect(entriesOf(aRunningTask({ exposed: exposed.slice(1) }), SETTINGS).entries).toHaveLength(100)
  const env = { SERVICE_7_IGNORE: 'true' }
  expect(entriesOf(aRunningTask({ exposed, env }), SETTINGS)).toMatchObject({ entries: { length: 100 }, issues: [] })
})

it.each(['__proto__', 'constructor'])('%s is a name in Meta as any other', (name) => {
  const [entry] = entriesOf(aRunningTask({ env: { [`SERVICE_${name}`]: 'x' } }), SETTINGS).entries
  expect(new Map(Object.entries(entry?.meta ?? {})).get(name)).toBe('x')
})
