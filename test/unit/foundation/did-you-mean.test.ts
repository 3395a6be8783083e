import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { candidateNames } from '../../../src/autoscaling/policy/policy-fields.ts'
import { didYouMean, editDistance } from '../../../src/foundation/did-you-mean.ts'

describe('did you mean', () => {
  it.each([
    { written: 'mx', meant: 'max' },
    { written: 'mni', meant: 'min' },
    { written: 'maximum', meant: 'max' },
    { written: 'Max', meant: 'max' },
    { written: 'cooldwon', meant: 'cooldown' },
    { written: 'cooldown-up', meant: 'cooldown.up' },
    { written: 'step.upp', meant: 'step.up' },
    { written: 'dryrun', meant: 'dry-run' },
    { written: 'onDeploy', meant: 'on-deploy' },
    { written: 'enabled', meant: 'enable' },
    { written: 'schedule.night.form', meant: 'schedule.night.from' },
    { written: 'metrics.load.query', meant: 'metric.load.query' },
  ])('takes $written for $meant', ({ written, meant }) => {
    expect(didYouMean(written, candidateNames(written))).toBe(meant)
  })

  it.each(['', 'prometheus', 'zzz', 'x'.repeat(100_000)])('has no idea what %.20s is', (written) => {
    expect(didYouMean(written, candidateNames(written))).toBeUndefined()
  })

  it('measures a distance: none to itself, the same both ways, and never more than the longer word', () => {
    const word = fc.string({ maxLength: 12 })
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, a)).toBe(0)
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
      }),
    )
  })
})
