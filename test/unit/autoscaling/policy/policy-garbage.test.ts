import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mayHavePolicy } from '../../../../src/autoscaling/policy/opt-in.ts'
import type { Policy, Step } from '../../../../src/autoscaling/policy/policy.ts'
import { POLICY_FIELDS } from '../../../../src/autoscaling/policy/policy-fields.ts'
import { readPolicy } from '../../../../src/autoscaling/policy/read-policy.ts'

const aliasLabels = [
  'orbiter',
  'orbiter.up',
  'orbiter.down',
  'orbiter.cooldown',
  'orbiter.min',
  'orbiter.max',
  'com.df.scaleMin',
  'com.df.scaleMax',
  'com.df.scaleUpBy',
  'com.df.scaleDownBy',
  'swarm.autoscaler',
  'swarm.autoscaler.minimum',
  'swarm.autoscaler.maximum',
  'swarm.cronjob.enable',
]
const hostile = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '']
const fieldNames = POLICY_FIELDS.map(({ name }) => name.replace('<n>', 'x'))

const field = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...fieldNames) },
  { weight: 1, arbitrary: fc.constantFrom(...hostile.map((name) => `schedule.${name}.from`), ...hostile) },
  { weight: 1, arbitrary: fc.string() },
)
const value = fc.oneof(
  fc.constantFrom(
    'true',
    'false',
    'hold',
    'off',
    'up',
    'down',
    'repeat',
    'accept',
    'restore',
    '30s',
    '5m',
    '25%',
    '100%',
  ),
  fc.integer({ min: -3, max: 12 }).map(String),
  fc.constantFrom(
    '',
    ' 3',
    '+3',
    '-0',
    '1e9',
    '1e400',
    'NaN',
    'Infinity',
    '0x1f',
    '9'.repeat(500),
    '99999%',
    '١',
    '1.5',
    'none',
    'null',
  ),
  fc.constantFrom(...hostile),
  fc.string({ unit: 'binary' }),
)
const nullPrototype = (entries: readonly (readonly [string, string])[]): Record<string, string> => {
  const record: Record<string, string> = Object.create(null)
  for (const [name, text] of entries) record[name] = text
  return record
}
const label = fc.oneof(
  { weight: 5, arbitrary: field.map((name) => `autoscaler.${name}`) },
  { weight: 3, arbitrary: fc.constantFrom(...aliasLabels) },
  { weight: 1, arbitrary: fc.oneof(fc.constantFrom(...hostile), fc.string()) },
)
const labels = fc
  .tuple(fc.array(fc.tuple(label, value), { maxLength: 15 }), fc.boolean())
  .map(([entries, enable]) => nullPrototype(enable ? [...entries, ['autoscaler.enable', 'true']] : entries))
const file = fc.option(
  fc.record({
    name: fc.oneof(fc.constant('web'), fc.string()),
    service: fc.constant('web'),
    fields: fc.array(fc.tuple(field, value), { maxLength: 8 }).map(Object.fromEntries),
    issues: fc.constant([]),
  }),
  { nil: undefined },
)
const source = fc.record({ serviceName: fc.oneof(fc.constant('web'), fc.string()), labels, file })

const sizeOf = (step: Step) => (step.kind === 'count' ? step.count : step.percent)

const expectSound = (policy: Policy) => {
  const { min, max, stepUp, stepDown, cooldownUpMs, cooldownDownMs, alertTtlMs } = policy
  const numbers = [min, max ?? min, sizeOf(stepUp), sizeOf(stepDown), cooldownUpMs, cooldownDownMs, alertTtlMs ?? 0]
  for (const number of numbers) {
    expect(Number.isSafeInteger(number) && number >= 0 && !Object.is(number, -0)).toBe(true)
  }
  expect(sizeOf(stepUp)).toBeGreaterThanOrEqual(1)
  expect(sizeOf(stepDown)).toBeGreaterThanOrEqual(1)
  expect(min).toBeLessThanOrEqual(max ?? Number.POSITIVE_INFINITY)
  expect(max !== null || !policy.maxWritten).toBe(true)
}

it('garbage never throws and never makes an unsound policy', () => {
  let policies = 0
  fc.assert(
    fc.property(source, (input) => {
      const answer = readPolicy(input)
      if (answer.policy !== undefined) {
        policies += 1
        expectSound(answer.policy)
      }
      const hasError = answer.issues.some(({ severity }) => severity === 'error')
      expect(answer.policy !== undefined).toBe(answer.optedIn && !hasError)
    }),
    { numRuns: 10_000 },
  )
  // Else the property would hold because nothing was ever valid.
  expect(policies).toBeGreaterThan(30)
})

it('a service without a native label, a file or an alias opt-in is never managed', () => {
  const foreign = fc.string().filter((name) => !name.startsWith('autoscaler.') && !aliasLabels.includes(name))
  fc.assert(
    fc.property(fc.array(fc.tuple(foreign, value)), (entries) => {
      expect(readPolicy({ serviceName: 'web', labels: nullPrototype(entries) })).toMatchObject({ optedIn: false })
    }),
  )
})

it('a valid policy written out again as labels is the same policy', () => {
  fc.assert(
    fc.property(source, (input) => {
      const first = readPolicy(input)
      if (first.policy === undefined) return
      const written = Object.entries(first.fields).filter(([, { source }]) => source !== 'default')
      const bounds = [
        ['max', first.fields.max],
        ['min', first.fields.min],
      ] as const
      const entries = [...written, ...bounds].flatMap(([name, shown]) =>
        shown === undefined || shown.value === 'none' ? [] : [[`autoscaler.${name}`, shown.value] as const],
      )
      if (first.policy.max === null) return
      const second = readPolicy({ serviceName: input.serviceName, labels: nullPrototype(entries) })
      expect(second.issues.filter(({ severity }) => severity === 'error')).toEqual([])
      const { minWritten: _, maxWritten: __, cooldownUpMs: up, cooldownDownMs: down, ...same } = first.policy
      expect(second.policy).toMatchObject(same)
      // Only a family's own default cooldown is no label of anybody's.
      if (first.fields['cooldown.up']?.source !== 'default') expect(second.policy?.cooldownUpMs).toBe(up)
      if (first.fields['cooldown.down']?.source !== 'default') expect(second.policy?.cooldownDownMs).toBe(down)
    }),
    { numRuns: 1500 },
  )
})

it('the same source read twice gives the same reading', () => {
  fc.assert(
    fc.property(source, (input) => {
      expect(readPolicy(input)).toEqual(readPolicy(input))
    }),
  )
})

it('what is not looked at more closely would say nothing of scaling', () => {
  const near = fc.oneof(
    label,
    label.map((name) => name.toUpperCase()),
    label.map((name) => name.slice(1)),
    fc.string(),
  )
  const some = fc.array(fc.tuple(near, value), { maxLength: 3 }).map(nullPrototype)
  let skipped = 0
  fc.assert(
    fc.property(some, (read) => {
      if (mayHavePolicy(read)) return
      skipped += Number(Object.keys(read).length > 0)
      const { optedIn, fields, issues, policy, unsupported } = readPolicy({ serviceName: 'web', labels: read })
      expect({ optedIn, fields, issues, policy, unsupported }).toEqual({ optedIn: false, fields: {}, issues: [] })
    }),
    { numRuns: 2000 },
  )
  expect(skipped).toBeGreaterThan(100)
})
