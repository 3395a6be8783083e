/** When the engine says that an update of a service is committed: its event stream, as anybody can follow it. */
import { once } from 'node:events'
import { get } from 'node:http'
import { createInterface } from 'node:readline'

export interface UpdateEvents {
  /** `performance.now()` at the next update event of this service. Rejects when none comes. */
  next(serviceId: string): Promise<number>
  close(): void
}

const PATIENCE_MS = 30_000

/** Resolves when the stream is open. */
export async function followUpdates(socketPath: string): Promise<UpdateEvents> {
  const waiting = new Map<string, (at: number) => void>()
  const filters = encodeURIComponent(JSON.stringify({ type: ['service'], event: ['update'] }))
  const request = get({ socketPath, path: `/events?filters=${filters}` })
  const [answer] = await once(request, 'response')
  createInterface({ input: answer })
    .on('line', (line) => {
      const at = performance.now()
      waiting.get(JSON.parse(line).Actor.ID)?.(at)
    })
    // Its end is ours; should it break off before, whoever waits gives up.
    .on('error', () => undefined)
  return {
    next: (serviceId) =>
      new Promise((resolve, reject) => {
        waiting.set(serviceId, resolve)
        setTimeout(reject, PATIENCE_MS, new Error(`no event of an update of ${serviceId}`)).unref()
      }),
    close: () => void request.destroy(),
  }
}
