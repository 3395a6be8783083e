import { describe, expect, it } from 'vitest'
import { issuesOf, reading } from './policy-reading.ts'

const count = (value: number) => ({ kind: 'count', count: value })

describe('the labels of Orbiter', () => {
  it('opt in with the defaults of Orbiter and a max that nobody wrote', () => {
    const { optedIn, policy, fields, issues } = reading({ orbiter: 'true' })
    expect(optedIn).toBe(true)
    expect(issues).toEqual([])
    expect(policy).toMatchObject({ min: 1, max: 100, minWritten: false, maxWritten: false })
    expect(policy).toMatchObject({ stepUp: count(1), stepDown: count(1) })
    expect(fields).toMatchObject({
      enable: { value: 'true', source: 'orbiter' },
      max: { value: '100', source: 'default' },
    })
  })

  it('O5: orbiter.up=3 and orbiter.down=2 are the steps', () => {
    const { policy, fields } = reading({ orbiter: 'true', 'orbiter.up': '3', 'orbiter.down': '2' })
    expect(policy).toMatchObject({ stepUp: count(3), stepDown: count(2) })
    expect(fields['step.up']).toEqual({ value: '3', source: 'orbiter' })
  })

  it.each(['abc', ' 3', '', '0x10', '1e3', '1_000', '99999999999999999999', '3.0'])(
    'O6: orbiter.up=%j is the default of 1, with a warning',
    (value) => {
      const answer = reading({ orbiter: 'true', 'orbiter.up': value })
      expect(answer.policy?.stepUp).toEqual(count(1))
      expect(issuesOf(answer)).toEqual(['warning orbiter.up'])
    },
  )

  it('O6: orbiter.up=+3 is 3', () => {
    const answer = reading({ orbiter: 'true', 'orbiter.up': '+3' })
    expect(answer.policy?.stepUp).toEqual(count(3))
    expect(answer.issues).toEqual([])
  })

  it.each([
    { labels: {}, cooldownMs: 1000, issues: [] },
    { labels: { 'orbiter.cooldown': '0' }, cooldownMs: 0, issues: [] },
    { labels: { 'orbiter.cooldown': '60' }, cooldownMs: 60_000, issues: [] },
    { labels: { 'orbiter.cooldown': '60s' }, cooldownMs: 1000, issues: ['warning orbiter.cooldown'] },
    { labels: { 'orbiter.cooldown': '-5' }, cooldownMs: 1000, issues: ['warning orbiter.cooldown'] },
  ])('O15: with $labels both directions wait $cooldownMs ms', ({ labels, cooldownMs, issues }) => {
    const answer = reading({ orbiter: 'true', ...labels })
    expect(answer.policy).toMatchObject({ cooldownUpMs: cooldownMs, cooldownDownMs: cooldownMs })
    expect(issuesOf(answer)).toEqual(issues)
  })

  it.each([
    { value: 'false', optedIn: false },
    { value: '', optedIn: true },
    { value: 'False', optedIn: true },
    { value: '0', optedIn: true },
  ])('O21: orbiter=$value: managed is $optedIn', ({ value, optedIn }) => {
    expect(reading({ orbiter: value, 'orbiter.up': 'abc' }).optedIn).toBe(optedIn)
  })

  it.each(['0', '-3', '-0'])('O22: orbiter.down=%s is 1, with a warning', (value) => {
    const answer = reading({ orbiter: 'true', 'orbiter.down': value })
    expect(answer.policy?.stepDown).toEqual(count(1))
    expect(issuesOf(answer)).toEqual(['warning orbiter.down'])
  })

  it('take bounds, which then count as written', () => {
    const { policy } = reading({ orbiter: 'true', 'orbiter.min': '2', 'orbiter.max': '6' })
    expect(policy).toMatchObject({ min: 2, max: 6, minWritten: true, maxWritten: true })
  })

  it('take unreadable bounds for unwritten ones', () => {
    const answer = reading({ orbiter: 'true', 'orbiter.min': '-1', 'orbiter.max': 'all' })
    expect(answer.policy).toMatchObject({ min: 1, max: 100, minWritten: false, maxWritten: false })
    expect(issuesOf(answer)).toEqual(['warning orbiter.min', 'warning orbiter.max'])
  })

  it('misspelt are a warning with the one that was meant', () => {
    const answer = reading({ orbiter: 'true', 'orbiter.cooldwon': '5' })
    expect(answer.issues[0]?.message).toContain('did you mean orbiter.cooldown?')
    expect(answer.policy).toBeDefined()
  })

  it('without the one that opts in are a warning', () => {
    const answer = reading({ 'orbiter.up': '3' })
    expect(answer.optedIn).toBe(false)
    expect(issuesOf(answer)).toEqual(['warning orbiter.up'])
  })
})

describe('the labels of docker-scaler', () => {
  it.each(['com.df.scaleMin', 'com.df.scaleMax', 'com.df.scaleUpBy', 'com.df.scaleDownBy'])(
    '%s alone opts in',
    (label) => {
      const { optedIn, fields, policy } = reading({ [label]: '2' })
      expect(optedIn).toBe(true)
      expect(fields.enable).toEqual({ value: 'true', source: 'com.df' })
      expect(policy).toBeDefined()
    },
  )

  it('have a min of 1, a max of 5 that nobody wrote, steps of 1 and no cooldown', () => {
    expect(reading({ 'com.df.scaleUpBy': '1' }).policy).toMatchObject({
      min: 1,
      max: 5,
      maxWritten: false,
      stepUp: count(1),
      stepDown: count(1),
      cooldownUpMs: 0,
      cooldownDownMs: 0,
    })
  })

  it('S5: the labels of the tutorial', () => {
    const labels = {
      'com.df.scaleMin': '1',
      'com.df.scaleMax': '7',
      'com.df.scaleUpBy': '3',
      'com.df.scaleDownBy': '2',
    }
    const answer = reading(labels)
    expect(answer.issues).toEqual([])
    expect(answer.policy).toMatchObject({ min: 1, max: 7, maxWritten: true, stepUp: count(3), stepDown: count(2) })
  })

  it.each([
    { name: 'both written', labels: { 'com.df.scaleMin': '8', 'com.df.scaleMax': '4' }, bound: 4 },
    { name: 'against the default max', labels: { 'com.df.scaleMin': '8' }, bound: 5 },
    { name: 'against the default min', labels: { 'com.df.scaleMax': '0' }, bound: 0 },
  ])('S9: with min above max ($name) max wins, with a warning', ({ labels, bound }) => {
    const answer = reading(labels)
    expect(answer.policy).toMatchObject({ min: bound, max: bound })
    expect(answer.fields.min?.value).toBe(`${bound}`)
    expect(answer.issues).toMatchObject([{ severity: 'warning', message: expect.stringContaining('max wins') }])
  })

  it.each(['x', '-1', '', '5.5'])('S10: an invalid min and max of %j are the defaults, with warnings', (value) => {
    const answer = reading({ 'com.df.scaleMin': value, 'com.df.scaleMax': value })
    expect(answer.policy).toMatchObject({ min: 1, max: 5, minWritten: false, maxWritten: false })
    expect(issuesOf(answer)).toEqual(['warning com.df.scaleMin', 'warning com.df.scaleMax'])
  })

  it.each(['-2', '0', 'two'])(
    'a step of %s, which would reverse or stop the scaling, is 1, with a warning',
    (value) => {
      const answer = reading({ 'com.df.scaleUpBy': value })
      expect(answer.policy?.stepUp).toEqual(count(1))
      expect(issuesOf(answer)).toEqual(['warning com.df.scaleUpBy'])
    },
  )

  it('of other Docker Flow tools neither opt in nor are questioned, but a misspelt one is', () => {
    expect(reading({ 'com.df.notify': 'true', 'com.df.port': '80', 'com.df.scaleWorkerNodeMin': '1' })).toMatchObject({
      optedIn: false,
      issues: [],
    })
    const answer = reading({ 'com.df.scalemax': '4' })
    expect(answer.optedIn).toBe(false)
    expect(answer.issues[0]?.message).toContain('did you mean com.df.scaleMax?')
  })
})

describe('the labels of docker-swarm-autoscaler', () => {
  it('J1: minimum and maximum are written bounds, so the count is brought inside them', () => {
    const answer = reading({
      'swarm.autoscaler': 'true',
      'swarm.autoscaler.minimum': '3',
      'swarm.autoscaler.maximum': '4',
    })
    expect(answer.policy).toMatchObject({ min: 3, max: 4, minWritten: true, maxWritten: true, cooldownUpMs: 30_000 })
    expect(answer.issues).toEqual([])
  })

  it.each(['True', '1', '', 'yes'])('J1: swarm.autoscaler=%j does not opt in, and says so', (value) => {
    const answer = reading({ 'swarm.autoscaler': value, 'swarm.autoscaler.maximum': '4' })
    expect(answer.optedIn).toBe(false)
    expect(issuesOf(answer)).toEqual(['warning swarm.autoscaler'])
  })

  it.each([{ labels: {} }, { labels: { 'swarm.autoscaler.maximum': 'null', 'swarm.autoscaler.minimum': 'null' } }])(
    'J2: without readable bounds the min is 1 and there is no growth: $labels',
    ({ labels }) => {
      const answer = reading({ 'swarm.autoscaler': 'true', ...labels })
      expect(answer.policy).toMatchObject({ min: 1, max: null, minWritten: false, maxWritten: false })
      expect(answer.fields.max).toEqual({ value: 'none', source: 'default' })
      expect(answer.issues).toHaveLength(Object.keys(labels).length)
    },
  )
})

describe('alias labels and native ones on one service', () => {
  it('native values win field by field', () => {
    const labels = {
      orbiter: '',
      'orbiter.up': '3',
      'orbiter.down': '2',
      'autoscaler.step.up': '5',
      'autoscaler.max': '9',
    }
    const answer = reading(labels)
    expect(answer).toMatchObject({ optedIn: true, issues: [] })
    expect(answer.policy).toMatchObject({ stepUp: count(5), stepDown: count(2), max: 9, maxWritten: true })
    expect(answer.policy).toMatchObject({ cooldownUpMs: 1000 })
  })

  it('a malformed native value is still an error', () => {
    expect(reading({ orbiter: '', 'autoscaler.max': 'x' }).policy).toBeUndefined()
  })

  it('a native max lowers the min of an alias, a native min above the max of an alias is invalid', () => {
    expect(reading({ 'com.df.scaleMin': '8', 'autoscaler.max': '6' }).policy).toMatchObject({ min: 6, max: 6 })
    const answer = reading({ orbiter: '', 'autoscaler.min': '200' })
    expect(answer.policy).toBeUndefined()
    expect(issuesOf(answer)).toEqual(['error autoscaler.min'])
  })

  it('of several families the first that wrote a field counts, the defaults are those of the first, and a warning says so', () => {
    const answer = reading({
      orbiter: 'true',
      'orbiter.up': '3',
      'com.df.scaleUpBy': '4',
      'com.df.scaleMax': '7',
      'swarm.autoscaler': 'true',
      'swarm.autoscaler.maximum': '9',
      'swarm.autoscaler.minimum': '2',
    })
    expect(answer.policy).toMatchObject({ stepUp: count(3), min: 2, max: 7, cooldownUpMs: 1000 })
    expect(answer.fields).toMatchObject({
      max: { value: '7', source: 'com.df' },
      min: { value: '2', source: 'swarm.autoscaler' },
    })
    expect(issuesOf(answer)).toEqual(['warning com.df.scale*', 'warning swarm.autoscaler'])
  })
})
