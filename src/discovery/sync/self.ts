/** Keeps the controller itself in Consul, with a check that Consul runs, so that monitoring tools find it there. */
import { createFailureLog } from '../../foundation/log-once.ts'
import type { Logger } from '../../foundation/logger.ts'
import { pauseFor } from '../../foundation/wakeable-timer.ts'
import type { ConsulAgent, SelfEntry } from '../ports.ts'

export interface SelfDeps {
  readonly agent: Pick<ConsulAgent, 'find' | 'register' | 'deregister'>
  /** `undefined`: it is not known yet where others reach this controller. May reject. */
  readonly self: () => Promise<SelfEntry | undefined>
  readonly logger: Logger
  readonly everyMs?: number
}

/** A Consul that lost it, or an agent in its place, has it again after this. */
const EVERY_MS = 15_000

/** Takes it away and returns when the signal is aborted; never throws. */
export async function keepSelf({ agent, self, logger, everyMs = EVERY_MS }: SelfDeps, signal: AbortSignal) {
  let registered: SelfEntry | undefined
  const failures = createFailureLog((reason) => logger.warn({ event: 'consul-self-failed' }, reason))
  while (!signal.aborted) {
    try {
      const entry = await self()
      if (entry !== undefined) {
        const there = await agent.find(entry.id)
        // Registered anew it would be critical until its next check.
        if (there?.address !== entry.address || there.port !== entry.port) {
          await agent.register(entry)
          const { name, address, port } = entry
          logger.info({ event: 'consul-self', name, address, port }, `this controller is in Consul as ${name}`)
        }
        registered = entry
      }
      failures.succeeded()
    } catch (error) {
      failures.failed(error)
    }
    await pauseFor(failures.reason() === '' && registered !== undefined ? everyMs : Math.min(everyMs, 1_000), signal)
  }
  if (registered === undefined) return
  await agent.deregister(registered.id).catch((error: unknown) => {
    // Its check turns critical, and Consul removes it by itself.
    logger.debug({ event: 'consul-self-left', err: error }, 'this controller could not be taken out of Consul')
  })
}
