/** Every remedy that a message names is run, in the message's own words, and mends what the message says. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { advices, isSaidIn } from './advice.ts'
import { callRemedies } from './calls.ts'
import { definitionRemedies } from './definitions.ts'
import { ELSEWHERE, NO_REMEDY, NOT_RUN } from './elsewhere.ts'
import { hostRemedies } from './hosts.ts'
import { networkRemedies } from './networks.ts'
import { otherNetworkRemedies } from './networks-of-others.ts'
import { policyRemedies } from './policies.ts'
import { programRemedies } from './programs.ts'
import { registrationRemedies } from './registrations.ts'
import { serverRemedies } from './servers.ts'
import { settingRemedies } from './settings.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

const all = [
  ...definitionRemedies,
  ...policyRemedies,
  ...settingRemedies,
  ...hostRemedies,
  ...networkRemedies,
  ...otherNetworkRemedies,
  ...registrationRemedies,
  ...callRemedies,
  ...programRemedies,
  ...serverRemedies,
]
/** The messages whose remedies were run. */
const mended: string[] = []

describe('what a message advises', () => {
  for (const { name, says, run } of all) {
    it(name, async () => {
      const before = await run()
      expect(before.left.length).toBeGreaterThan(0)
      for (const after of before.left) {
        // Gone, and nothing else has come in its place.
        expect(after.filter((text) => says.test(text))).toEqual([])
        expect(after.filter((text) => !before.told.includes(text))).toEqual([])
      }
      mended.push(...before.told.filter((text) => says.test(text)))
    })
  }
})

describe('the messages of the source', () => {
  const found = advices(`${ROOT}src/`)
  const known = [...Object.keys(ELSEWHERE), ...Object.keys(NOT_RUN), ...NO_REMEDY]

  it('that advise something are all tried above, or by a test that is named', () => {
    const untried = found.filter(
      (advice) => !known.includes(advice.text) && !mended.some((told) => isSaidIn(advice, told)),
    )
    expect(untried.map(({ file, text }) => `${file}: ${text}`)).toEqual([])
  })

  it('of which none here is tried are few, and each has its reason', () => {
    for (const [text, why] of Object.entries(NOT_RUN)) console.log(`not run: ${text} (${why})`)
    expect(Object.keys(NOT_RUN).length).toBeLessThan(3)
  })

  it('that are tried elsewhere are in the source, and so are the tests', () => {
    const texts = new Set(found.map(({ text }) => text))
    expect(known.filter((text) => !texts.has(text))).toEqual([])
    for (const { file, test } of Object.values(ELSEWHERE)) {
      expect(existsSync(ROOT + file), file).toBe(true)
      expect(readFileSync(ROOT + file, 'utf8'), file).toContain(test)
    }
  })
})
