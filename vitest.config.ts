import { defineConfig } from 'vitest/config'

const project = (name: string, testTimeout: number) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout * 4, environment: 'node' },
})

export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [project('unit', 20_000), project('http', 20_000), project('adapters', 30_000), project('arch', 60_000)],
  },
})
