/** The Consul agent that is asked: what it registers itself and checks itself, and who passes. */
import type { ConsulAgent } from '../../discovery/ports.ts'
import type { ConsulClient } from './consul-client.ts'
import { at, listOf, numberAt, textAt } from './fields.ts'

const CHECK_EVERY = '10s'
/** How long a controller that is gone without a word stays, critical. */
const REMOVE_AFTER = '10m'

export function createConsulAgent({ address, consul, common, call }: ConsulClient): ConsulAgent {
  return {
    address,
    find: (id) =>
      call('reading its own services', async () => {
        const found = at(await consul.agent.service.list(common()), id)
        return found === undefined ? undefined : { address: textAt(found, 'Address'), port: numberAt(found, 'Port') }
      }),
    register: ({ id, name, address: own, port, meta, checkUrl }) =>
      call('registering the controller', async () => {
        const check = {
          ...{ name: 'ready', http: checkUrl, tlsskipverify: true, interval: CHECK_EVERY, timeout: '5s' },
          deregistercriticalserviceafter: REMOVE_AFTER,
        }
        await consul.agent.service.register({ ...common(), id, name, address: own, port, meta: { ...meta }, check })
      }),
    deregister: (id) =>
      call('deregistering the controller', async () => {
        await consul.agent.service.deregister({ ...common(), id })
      }),
    passing: (service) =>
      call(`looking for ${service}`, async () => {
        const options = { ...common(), service, passing: true, near: '_agent' }
        const rows: unknown = await consul.health.service(options)
        return listOf(rows).map((row) => ({
          address: textAt(row, 'Service', 'Address') || textAt(row, 'Node', 'Address'),
          port: numberAt(row, 'Service', 'Port'),
        }))
      }),
  }
}
