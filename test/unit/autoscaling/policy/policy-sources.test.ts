import { describe, expect, it } from 'vitest'
import { issuesOf, native, reading } from './policy-reading.ts'

describe('a policy file', () => {
  it('opts a service in without any label, under the name of the file', () => {
    const answer = reading({}, { name: 'shop', fields: { max: '8', 'step.up': '50%', cooldown: '60' } })
    expect(answer).toMatchObject({
      optedIn: true,
      name: 'shop',
      policy: { min: 1, max: 8, maxWritten: true, stepUp: { kind: 'percent', percent: 50 }, cooldownDownMs: 60_000 },
      issues: [],
    })
    expect(answer.fields).toMatchObject({
      enable: { value: 'true', source: 'file' },
      name: { value: 'shop', source: 'file' },
      max: { value: '8', source: 'file' },
      'cooldown.up': { value: '1m', source: 'file' },
    })
  })

  it('does not opt in when it says enable: false', () => {
    const answer = reading({ orbiter: 'true' }, { fields: { max: '8', enable: 'false' } })
    expect(answer).toMatchObject({ optedIn: false, issues: [] })
    expect(answer.policy).toBeUndefined()
  })

  it('does not opt in when its enable is unreadable, and says so', () => {
    const answer = reading({}, { fields: { max: '8', enable: 'no' } })
    expect(answer.optedIn).toBe(false)
    expect(issuesOf(answer)).toEqual(['warning enable'])
  })

  it.each([
    { label: 'true', enable: 'false', optedIn: true },
    { label: 'false', enable: 'true', optedIn: false },
  ])('with enable: $enable gives way to the label autoscaler.enable=$label', ({ label, enable, optedIn }) => {
    expect(reading({ 'autoscaler.enable': label }, { fields: { max: '8', enable } }).optedIn).toBe(optedIn)
  })

  it('may name the autoscaler, and a label may name it otherwise', () => {
    const file = { name: 'shop', fields: { max: '8', name: 'from-file' } }
    expect(reading({}, file).name).toBe('from-file')
    expect(reading({ 'autoscaler.name': 'from-label' }, file).name).toBe('from-label')
  })

  it('whose own name is no autoscaler name is invalid until the name is written', () => {
    const answer = reading({}, { name: 'my web', fields: { max: '8' } })
    expect(answer.name).toBe('web')
    expect(answer.policy).toBeUndefined()
    expect(issuesOf(answer)).toEqual(['error name'])
    expect(reading({}, { name: 'my web', fields: { max: '8', name: 'shop' } }).policy).toBeDefined()
  })

  it('with a malformed value is invalid, and an unknown field is a warning', () => {
    const answer = reading({}, { fields: { max: 'lots', mni: '2', state: 'x', 'autoscaler.max': '3' } })
    expect(answer.policy).toBeUndefined()
    expect(issuesOf(answer)).toEqual(['error max', 'warning mni', 'warning state', 'warning autoscaler.max'])
  })

  it('hands its own issues on: a warning leaves the policy, an error does not', () => {
    const stale = { severity: 'warning', field: 'web.yaml', message: 'line 3: …' } as const
    const rival = { severity: 'error', field: 'service', message: 'two files' } as const
    const withWarning = reading({}, { fields: { max: '8' }, issues: [stale] })
    expect(withWarning.policy).toBeDefined()
    expect(withWarning.issues).toEqual([stale])
    const withError = reading(native(), { fields: { max: '8' }, issues: [rival] })
    expect(withError.policy).toBeUndefined()
    expect(withError.issues).toEqual([rival])
  })
})

describe('which value wins', () => {
  it('label over file, field by field', () => {
    const { policy, fields } = reading(
      { 'autoscaler.max': '5' },
      { fields: { min: '2', max: '8', 'cooldown.up': '10s' } },
    )
    expect(policy).toMatchObject({ min: 2, max: 5, cooldownUpMs: 10_000, cooldownDownMs: 30_000 })
    expect(fields).toMatchObject({
      min: { value: '2', source: 'file' },
      max: { value: '5', source: 'label' },
      'cooldown.up': { value: '10s', source: 'file' },
      'cooldown.down': { value: '30s', source: 'default' },
    })
  })

  it.each([
    { name: 'specific over general', labels: { 'autoscaler.step': '2', 'autoscaler.step.up': '4' }, up: 4, down: 2 },
    { name: 'a general label over a specific field of the file', labels: { 'autoscaler.step': '2' }, up: 2, down: 2 },
    {
      name: 'a specific label leaves the other direction to the file',
      labels: { 'autoscaler.step.down': '3' },
      up: 7,
      down: 3,
    },
    { name: 'the file over an alias', labels: { orbiter: '', 'orbiter.up': '9', 'orbiter.down': '9' }, up: 7, down: 6 },
  ])('$name', ({ labels, up, down }) => {
    const { policy } = reading(labels, { fields: { max: '8', step: '6', 'step.up': '7' } })
    expect(policy).toMatchObject({ stepUp: { count: up }, stepDown: { count: down } })
  })

  it('a general native label over a specific alias', () => {
    const { policy, fields } = reading(
      native({ 'autoscaler.step': '2', 'com.df.scaleUpBy': '5', 'com.df.scaleMin': '3' }),
    )
    expect(policy).toMatchObject({ stepUp: { count: 2 }, min: 3, max: 10 })
    expect(fields.min).toEqual({ value: '3', source: 'com.df' })
  })

  it('the bounds of a label and a file that contradict each other are invalid, and both are named', () => {
    const answer = reading({ 'autoscaler.max': '3' }, { fields: { min: '5' } })
    expect(answer.policy).toBeUndefined()
    expect(answer.issues).toMatchObject([
      {
        severity: 'error',
        field: 'min',
        value: '5',
        message: expect.stringMatching(/min 5 \(from file\).*max 3 \(from label\)/),
      },
    ])
  })
})
