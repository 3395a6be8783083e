/** Every remedy that a message names is run, in the message's own words, and mends what the message says. */
import { describe, expect, it } from 'vitest'
import { definitionRemedies } from './definitions.ts'
import { hostRemedies } from './hosts.ts'
import { networkRemedies } from './networks.ts'
import { policyRemedies } from './policies.ts'
import { settingRemedies } from './settings.ts'

const all = [...definitionRemedies, ...policyRemedies, ...settingRemedies, ...hostRemedies, ...networkRemedies]
const told: string[] = []

describe('what a message advises', () => {
  for (const { name, says, run } of all)
    it(name, async () => {
      const before = await run()
      told.push(...before.told)
      for (const after of before.left) {
        // Gone, and nothing else has come in its place.
        expect(after.filter((text) => says.test(text))).toEqual([])
        expect(after.filter((text) => !before.told.includes(text))).toEqual([])
      }
    })
})
