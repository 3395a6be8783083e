/** Agent mode: the services of one Consul agent, with checks that it runs itself; and all instances, as a controller sees them. */
import { checkIdOf, type Entry } from '../../discovery/entry.ts'
import type { AgentCheck, AgentWrite } from '../../discovery/plan/agent-difference.ts'
import type { ConsulInstances, ConsulServices } from '../../discovery/ports.ts'
import { createLimit } from '../../foundation/limit.ts'
import { readCheck, readService } from './catalog.ts'
import { answerOf, type ConsulClient } from './consul-client.ts'
import { at, listOf } from './fields.ts'

const READ_TIMEOUT_MS = 15_000
const AT_ONCE = 8

export function createConsulServices({ address, consul, common, call, put }: ConsulClient): ConsulServices {
  const send = async (write: AgentWrite): Promise<unknown> => {
    switch (write.kind) {
      case 'register': {
        const { id } = write.entry
        await put('/agent/service/register', serviceOf(write.entry, write.checks))
        // It keeps the status over its restarts only of a check that it was told of.
        return await consul.agent.check.pass({ ...common(), id: checkIdOf(id) })
      }
      case 'deregister':
        return await unlessGone(() => consul.agent.service.deregister({ ...common(), id: write.id }))
      case 'remove-check':
        return await unlessGone(() => consul.agent.check.deregister({ ...common(), id: write.id }))
      case 'pass':
        return await consul.agent.check.pass({ ...common(), id: write.id })
    }
  }
  return {
    address,
    list: () =>
      call('reading the services of the agent', async () => {
        const [services, checks]: [unknown, unknown] = await Promise.all([
          consul.agent.service.list(common()),
          consul.agent.check.list(common()),
        ])
        const of = new Map<string, Map<string, string>>()
        for (const raw of Object.values(checks ?? {})) {
          const { id, serviceId, status } = readCheck(raw)
          const known = of.get(serviceId) ?? new Map<string, string>()
          of.set(serviceId, known.set(id, status))
        }
        const list = Object.values(services ?? {}).map((raw) => {
          const service = readService(raw)
          return { ...service, checks: of.get(service.id) ?? new Map<string, string>() }
        })
        return new Map(list.map((service) => [service.id, service]))
      }),
    write: (write) =>
      call(`${write.kind} ${write.kind === 'register' ? write.entry.id : write.id}`, () => send(write)).then(() => {}),
  }
}

/** By the API's own names: the package drops the tagged addresses that Consul's DNS answers AAAA with. */
const serviceOf = (
  { id, name, address, address6, port, tags, meta }: Entry,
  checks: readonly AgentCheck[],
): object => ({
  ...{ ID: id, Name: name, Address: address, Port: port, Tags: tags, Meta: meta, Checks: checks },
  ...(address6 !== undefined && {
    TaggedAddresses: { lan_ipv4: { Address: address, Port: port }, lan_ipv6: { Address: address6, Port: port } },
  }),
})

/** What is to go and is gone already is as it should be. */
async function unlessGone(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const answer = answerOf(error)
    if (answer?.status !== 404 && !/unknown (?:service|check)/i.test(String(answer?.body ?? ''))) throw error
  }
}

export function createConsulInstances({ address, consul, common, call }: ConsulClient): ConsulInstances {
  return {
    address,
    instances: (names) =>
      call('reading the services', async () => {
        const limited = createLimit(AT_ONCE)
        const read = async (service: string): Promise<unknown> =>
          await consul.health.service({ ...common(READ_TIMEOUT_MS), service })
        const rows = await Promise.all(names.map((name) => limited(() => read(name))))
        return rows.flatMap(listOf).map((row) => ({
          service: readService(at(row, 'Service')),
          checks: listOf(at(row, 'Checks')).map(readCheck),
        }))
      }),
  }
}
