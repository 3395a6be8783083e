/** Says once in the log when a node runs short of addresses, and again only after it had enough of them in between. */
import { createOnceLog } from '../../foundation/log-once.ts'
import type { Logger } from '../../foundation/logger.ts'
import { pauseFor } from '../../foundation/wakeable-timer.ts'
import type { AllocationView, NetworkCatalog } from '../network.ts'
import { areScarce, percentTaken } from '../record/address-count.ts'

const LOOK_EVERY_MS = 5000

export interface ScarceAddressesDeps {
  readonly catalog: Pick<NetworkCatalog, 'networks'>
  readonly logger: Logger
}

export interface ScarceAddresses {
  look(): void
  /** Looks every few seconds until it is aborted. */
  run(signal: AbortSignal): Promise<void>
}

export function watchScarceAddresses({ catalog, logger }: ScarceAddressesDeps): ScarceAddresses {
  const log = createOnceLog<AllocationView>({
    keyOf: ({ network, nodeId, range }) => `${network} ${nodeId} ${range}`,
    begun({ network, hostname, nodeId, range, count }) {
      const { usable, used, free } = count
      logger.warn(
        { event: 'addresses-scarce', network, node: hostname, nodeId, range, usable, used, free },
        `${percentTaken(count)} % of the addresses of ${network} on ${hostname} are taken: ${free} of ${usable} are left`,
      )
    },
  })
  const look = () =>
    log(catalog.networks().flatMap(({ allocations }) => allocations.filter(({ count }) => areScarce(count))))

  return {
    look,
    async run(signal) {
      while (!signal.aborted) {
        look()
        // Aborted: the loop ends.
        await pauseFor(LOOK_EVERY_MS, signal)
      }
    },
  }
}
