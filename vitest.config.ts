import { defineConfig } from 'vitest/config'

const project = (name: string, testTimeout: number) => ({
  name,
  include: [`test/${name}/**/*.test.ts`],
  testTimeout,
  hookTimeout: testTimeout * 4,
  sequence: { groupOrder: 0 },
})

export default defineConfig({
  test: {
    reporters: ['default', './test/support/closing-lines.ts'],
    projects: [
      { test: project('unit', 20_000) },
      { test: project('http', 20_000) },
      { test: project('web', 20_000) },
      { test: project('adapters', 30_000) },
      { test: project('arch', 60_000) },
      {
        // After everything else, one file after another: real engines want the two cores for themselves.
        test: {
          // Two engines at once on a machine three times slower: what a test waits for has its own, shorter bound.
          ...project('e2e', 240_000),
          hookTimeout: 300_000,
          fileParallelism: false,
          // Engines on a busy machine have their moods: one more try, and the closing lines say who needed it.
          retry: 1,
          sequence: { groupOrder: 1 },
          globalSetup: 'test/e2e/support/build.ts',
        },
      },
    ],
  },
})
