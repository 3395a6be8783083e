/**
 * What waits most of its time does so together. Each suite has labs of its own; its tests run one after another, as ever. A
 * hook of a single test is that of its context here: vitest's own `onTestFinished` cannot know which of the tests is meant.
 */
import { describe } from 'vitest'
import type { EngineKind } from '../../lab/packages/engines.ts'
import { engines } from './engines.ts'

/** Suites that follow one another in a file run at the same time. */
export function sideBySide(name: string, tests: () => void): void {
  describe.concurrent('side by side', () => {
    describe.sequential(name, tests)
  })
}

/** The same tests on each engine. `%s` in the name is the engine's. */
export function enginesSideBySide(name: string, tests: (engine: EngineKind) => void): void {
  for (const engine of engines) sideBySide(name.replace('%s', engine), () => tests(engine))
}
