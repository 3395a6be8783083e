import { defineConfig } from 'vitest/config'

const project = (name: string, testTimeout: number) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout * 4 },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', 20_000),
      project('http', 20_000),
      project('adapters', 30_000),
      project('arch', 60_000),
      {
        // Real engines want the two cores for themselves: one file after another.
        test: {
          ...project('e2e', 120_000).test,
          hookTimeout: 180_000,
          fileParallelism: false,
          globalSetup: 'test/e2e/support/build.ts',
        },
      },
    ],
  },
})
