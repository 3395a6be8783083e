/** A reporter for the end of a run: the ten slowest tests, what needed a second try, what was skipped, and one line that counts. */
import type { Reporter, TestCase, TestModule } from 'vitest/node'

const SLOWEST = 10

export default class ClosingLines implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const brokenFiles = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0)
    const of = (state: string) => tests.filter((test) => test.result().state === state)
    const slowest = tests.toSorted((a, b) => seconds(b) - seconds(a)).slice(0, SLOWEST)
    console.log(`\nThe ${slowest.length} slowest tests:`)
    for (const test of slowest) console.log(`  ${seconds(test).toFixed(1).padStart(6)} s  ${named(test)}`)
    for (const test of tests.filter((each) => (each.diagnostic()?.retryCount ?? 0) > 0)) {
      console.log(`  needed a second try: ${named(test)}`)
    }
    for (const test of of('skipped')) console.log(`  skipped: ${named(test)}`)
    const failed = of('failed').length + brokenFiles.length + unhandled.length
    const skipped = of('skipped').length
    console.log(`\n${of('passed').length} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  }
}

const seconds = (test: TestCase): number => (test.diagnostic()?.duration ?? 0) / 1000

const named = (test: TestCase): string => `${test.module.relativeModuleId}: ${test.fullName}`
