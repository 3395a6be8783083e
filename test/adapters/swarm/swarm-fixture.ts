/** A fake engine and the adapter on it, with short times; everything is closed after each test. */
import { onTestFinished, vi } from 'vitest'
import type { Timing } from '../../../src/adapters/swarm/engine/timing.ts'
import { connectSwarm, type Swarm, type SwarmHooks } from '../../../src/adapters/swarm/swarm.ts'
import type { Logger } from '../../../src/foundation/logger.ts'
import { type FakeEngine, startFakeEngine } from '../../support/fake-engine/fake-engine.ts'

export const QUICK: Partial<Timing> = {
  leaderReadEveryMs: 50,
  leaderReadTimeoutMs: 150,
  leaderRetryMs: 30,
  freshForMs: 400,
  listTimeoutMs: 500,
  readTimeoutMs: 300,
  writeTimeoutMs: 300,
  streamTimeoutMs: 300,
  backoffMs: { first: 10, longest: 50 },
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

export function recordingLogger(): Logger & { lines: LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields, message })
  }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export async function fakeEngine(options?: { listen?: 'unix' | 'tcp' }): Promise<FakeEngine> {
  const engine = await startFakeEngine(options)
  onTestFinished(() => engine.close())
  return engine
}

export function swarmOn(
  host: string,
  rest: { timing?: Partial<Timing>; hooks?: SwarmHooks; logger?: Logger; controlSocket?: string } = {},
): Swarm {
  const { timing, hooks = {}, logger = recordingLogger(), ...more } = rest
  const swarm = connectSwarm({
    ...{ connection: { host }, now: Date.now, logger, hooks, timing: { ...QUICK, ...timing }, ...more },
  })
  onTestFinished(() => swarm.close())
  swarm.start()
  return swarm
}

export async function inSync(swarm: Swarm): Promise<Swarm> {
  await eventually(() => swarm.services.sync().reason === '')
  return swarm
}

/** Resolves when `condition` holds; fails the test after 5 s with what it was last. */
export async function eventually(condition: () => boolean): Promise<void> {
  await vi.waitFor(
    () => {
      if (!condition()) throw new Error(`never happened: ${condition}`)
    },
    { timeout: 5_000, interval: 5 },
  )
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
