import { describe, expect, it } from 'vitest'
import { issuesOf, native, reading } from './policy-reading.ts'

describe('a service opts in', () => {
  it('with autoscaler.enable=true, and gets the defaults of the contract', () => {
    const { optedIn, name, policy, issues } = reading(native())
    expect({ optedIn, name, issues }).toEqual({ optedIn: true, name: 'web', issues: [] })
    expect(policy).toEqual({
      min: 1,
      max: 10,
      minWritten: false,
      maxWritten: true,
      stepUp: { kind: 'count', count: 1 },
      stepDown: { kind: 'count', count: 1 },
      cooldownUpMs: 30_000,
      cooldownDownMs: 30_000,
      rollout: 'hold',
      unschedulable: 'hold',
      paused: 'none',
      dryRun: false,
      onFiring: 'step',
      onResolved: 'none',
      onDeploy: 'restore',
      alertTtlMs: undefined,
      schedules: [],
    })
  })

  it.each(['false', 'TRUE', 'True', '1', 'yes', '', ' true'])('not with autoscaler.enable=%j', (value) => {
    const answer = reading(native({ 'autoscaler.enable': value, orbiter: 'true' }))
    expect(answer.optedIn).toBe(false)
    expect(answer.policy).toBeUndefined()
    expect(issuesOf(answer)).toEqual(value === 'false' ? [] : ['warning autoscaler.enable'])
  })

  it('not without autoscaler.enable, and is told so', () => {
    const answer = reading({ 'autoscaler.max': '4' })
    expect(answer.optedIn).toBe(false)
    expect(issuesOf(answer)).toEqual(['warning autoscaler.enable'])
  })

  it('not by labels of other kinds, nor by the one that the product writes, and nothing is said', () => {
    expect(reading({ 'com.docker.stack.namespace': 'shop', 'autoscaler.state': '{}', autoscaler: 'x' })).toEqual({
      optedIn: false,
      name: 'web',
      fields: {},
      issues: [],
    })
  })
})

describe('labels are read', () => {
  it('every one of them', () => {
    const { policy, name, issues } = reading({
      'autoscaler.enable': 'true',
      'autoscaler.name': 'Shop.web_1-a',
      'autoscaler.min': '0',
      'autoscaler.max': '1000000000',
      'autoscaler.step': '2',
      'autoscaler.step.up': '25%',
      'autoscaler.cooldown': '90',
      'autoscaler.cooldown.down': '1h',
      'autoscaler.rollout': 'off',
      'autoscaler.unschedulable': 'off',
      'autoscaler.paused': 'down',
      'autoscaler.dry-run': 'true',
      'autoscaler.on-firing': 'repeat',
      'autoscaler.on-resolved': 'down',
      'autoscaler.on-deploy': 'restore-now',
      'autoscaler.alert-ttl': '2h',
      'autoscaler.state': 'whatever the controller wrote',
    })
    expect(issues).toEqual([])
    expect(name).toBe('Shop.web_1-a')
    expect(policy).toEqual({
      min: 0,
      max: 1_000_000_000,
      minWritten: true,
      maxWritten: true,
      stepUp: { kind: 'percent', percent: 25 },
      stepDown: { kind: 'count', count: 2 },
      cooldownUpMs: 90_000,
      cooldownDownMs: 3_600_000,
      rollout: 'off',
      unschedulable: 'off',
      paused: 'down',
      dryRun: true,
      onFiring: 'repeat',
      onResolved: 'down',
      onDeploy: 'restore-now',
      alertTtlMs: 7_200_000,
      schedules: [],
    })
  })

  it('into fields with canonical values and their sources', () => {
    const { fields } = reading(native({ 'autoscaler.cooldown': '60', 'autoscaler.step.down': '025%' }))
    expect(fields).toMatchObject({
      enable: { value: 'true', source: 'label' },
      name: { value: 'web', source: 'default' },
      min: { value: '1', source: 'default' },
      max: { value: '10', source: 'label' },
      cooldown: { value: '1m', source: 'label' },
      'cooldown.up': { value: '1m', source: 'label' },
      'cooldown.down': { value: '1m', source: 'label' },
      'step.up': { value: '1', source: 'default' },
      'step.down': { value: '25%', source: 'label' },
      'on-deploy': { value: 'restore', source: 'default' },
      'alert-ttl': { source: 'default' },
    })
    expect(fields).not.toHaveProperty('step')
  })
})

describe('a malformed label makes the policy invalid', () => {
  it.each([
    ['name', '-web'],
    ['name', ''],
    ['name', 'a/b'],
    ['name', 'a'.repeat(64)],
    ['min', '-1'],
    ['min', '1.0'],
    ['min', ' 1'],
    ['min', ''],
    ['min', '1e0'],
    ['min', 'NaN'],
    ['max', '0x10'],
    ['max', '+5'],
    ['max', 'none'],
    ['max', '1000000001'],
    ['max', '9'.repeat(400)],
    ['step', '0'],
    ['step', '-1'],
    ['step', '0%'],
    ['step.up', '1.5'],
    ['step.down', '10001%'],
    ['cooldown', '1d'],
    ['cooldown', '-1s'],
    ['cooldown.up', '5 m'],
    ['cooldown.down', ''],
    ['rollout', 'on'],
    ['rollout', 'Hold'],
    ['unschedulable', 'true'],
    ['dry-run', '1'],
    ['dry-run', 'yes'],
    ['on-firing', 'down'],
    ['on-resolved', 'up'],
    ['on-deploy', 'keep'],
    ['alert-ttl', 'never'],
    ['schedule.night.from', 'at eight'],
    ['schedule.night.for', '8'.repeat(20)],
    ['schedule.night.tz', 'Europe Berlin'],
    ['schedule.night.max', 'many'],
    ['cpu.target', '0'],
    ['memory.target', 'half'],
    ['metric.load.query', ''],
    ['metric.load.url', 'ftp://x'],
    ['metric.load.target', '-1'],
    ['metric.load.type', 'average'],
    ['window.up', '1w'],
    ['rate.up', '4'],
    ['rate.up', '4/0s'],
    ['rate.down', '4/15s,,'],
    ['tolerance', '10%'],
    ['warmup', 'x'],
    ['fallback.after', '0'],
    ['fallback.replicas', '-1'],
    ['fallback.mode', 'none'],
  ])('%s=%.20j', (field, value) => {
    const answer = reading(native({ [`autoscaler.${field}`]: value }))
    expect(answer.optedIn).toBe(true)
    expect(answer.policy).toBeUndefined()
    expect(issuesOf(answer)).toEqual([`error autoscaler.${field}`])
    expect(answer.issues[0]?.message).toContain(' is not ')
  })

  it('although another would win over it', () => {
    const answer = reading(native({ 'autoscaler.step': 'x', 'autoscaler.step.up': '1', 'autoscaler.step.down': '1' }))
    expect(answer.policy).toBeUndefined()
    expect(issuesOf(answer)).toEqual(['error autoscaler.step'])
  })

  it('but the service keeps a name to be found by', () => {
    expect(reading(native({ 'autoscaler.name': 'a b' })).name).toBe('web')
  })

  it('and every malformed one is named at once, long values cut short', () => {
    const answer = reading(native({ 'autoscaler.min': 'x', 'autoscaler.max': 'y'.repeat(100_000) }))
    expect(issuesOf(answer)).toEqual(['error autoscaler.max', 'error autoscaler.min'])
    expect(JSON.stringify(answer.issues).length).toBeLessThan(1000)
  })
})

describe('bounds', () => {
  it('need a max', () => {
    const answer = reading({ 'autoscaler.enable': 'true' })
    expect(answer.policy).toBeUndefined()
    expect(issuesOf(answer)).toEqual(['error autoscaler.max'])
  })

  it.each([
    { name: 'written', labels: { 'autoscaler.min': '11' }, field: 'autoscaler.min' },
    { name: 'defaulted', labels: { 'autoscaler.max': '0' }, field: 'autoscaler.max' },
  ])('with a $name min above max are invalid', ({ labels, field }) => {
    const answer = reading(native(labels))
    expect(answer.policy).toBeUndefined()
    expect(issuesOf(answer)).toEqual([`error ${field}`])
  })

  it('may be one and the same number', () => {
    expect(reading(native({ 'autoscaler.min': '10' })).policy).toMatchObject({ min: 10, max: 10, minWritten: true })
  })
})

describe('autoscaler.paused', () => {
  it.each([
    ['false', 'none', []],
    ['true', 'both', []],
    ['up', 'up', []],
    ['down', 'down', []],
    ['yes', 'both', ['warning autoscaler.paused']],
    ['', 'both', ['warning autoscaler.paused']],
    ['False', 'both', ['warning autoscaler.paused']],
  ])('=%j pauses %s', (value, paused, issues) => {
    const answer = reading(native({ 'autoscaler.paused': value }))
    expect(answer.policy?.paused).toBe(paused)
    expect(issuesOf(answer)).toEqual(issues)
  })
})

describe('an unknown autoscaler label', () => {
  it('is a warning with the one that was meant, and the policy stays valid', () => {
    const answer = reading(native({ 'autoscaler.cooldwon': '5s' }))
    expect(answer.policy).toBeDefined()
    expect(issuesOf(answer)).toEqual(['warning autoscaler.cooldwon'])
    expect(answer.issues[0]?.message).toContain('did you mean autoscaler.cooldown?')
  })

  it.each([
    'autoscaler.',
    'autoscaler.__proto__',
    'autoscaler.constructor',
    'autoscaler.toString',
    'autoscaler.schedule..from',
  ])('is a warning even if it is %s', (label) => {
    const answer = reading(native({ [label]: '1' }))
    expect(answer.policy).toBeDefined()
    expect(issuesOf(answer)).toEqual([`warning ${label}`])
  })
})

describe('a service of swarm-cronjob', () => {
  it.each(['1', 't', 'T', 'TRUE', 'true', 'True'])('is unsupported with swarm.cronjob.enable=%s', (value) => {
    expect(reading(native({ 'swarm.cronjob.enable': value })).unsupported).toContain(`swarm.cronjob.enable=${value}`)
  })

  it.each(['false', '0', 'tRUE', 'yes', ''])('is left alone by it with swarm.cronjob.enable=%j', (value) => {
    expect(reading(native({ 'swarm.cronjob.enable': value }))).not.toHaveProperty('unsupported')
  })
})
