import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shimName } from '../../../../src/agent/plan/link-names.ts'

describe('names of shims', () => {
  it('are readable where they fit, and never longer than the kernel allows', () => {
    expect(shimName('vlan40')).toBe('shim-vlan40')
    expect(shimName('a-very-long-name-of-a-network')).toMatch(/^shim-a-ve~[0-9a-z]{5}$/)
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,40}$/), (name) => {
        expect(shimName(name).length).toBeLessThanOrEqual(15)
        expect(shimName(name)).toBe(shimName(name))
      }),
    )
  })

  it('tell networks apart that begin alike', () => {
    const names = Array.from({ length: 2000 }, (_, index) => shimName(`production-network-${index}`))
    expect(new Set(names).size).toBe(names.length)
  })
})
