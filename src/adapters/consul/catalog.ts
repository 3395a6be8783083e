/** Consul's catalog: nodes that are no agents', with what is on them, and transactions that only the holder of the lock can write. */
import type { CatalogCheck, CatalogNode, CatalogService, CatalogWrite } from '../../discovery/plan/catalog.ts'
import type { WriteFailure } from '../../discovery/plan/transactions.ts'
import type { ConsulCatalog, TransactionResult } from '../../discovery/ports.ts'
import { Fault } from '../../foundation/errors.ts'
import { createLimit } from '../../foundation/limit.ts'
import { WAIT_TIMEOUT_MS, waitForChange } from './blocking.ts'
import { answerOf, type ConsulClient } from './consul-client.ts'
import { at, listOf, numberAt, pairsOf, textAt, textsOf } from './fields.ts'
import { createLock } from './lock.ts'

const FILTER = { 'node-meta': 'external-node:true' }
const AT_ONCE = 8
const READ_TIMEOUT_MS = 15_000
const WRITE_TIMEOUT_MS = 10_000
/** `key` of the lock, which its sessions are named after too. */
export function createCatalog(client: ConsulClient, key: () => string): ConsulCatalog {
  const { consul, common, call, transact } = client

  const readNode = async (raw: unknown): Promise<CatalogNode> => {
    const name = textAt(raw, 'Node')
    const options = { ...common(READ_TIMEOUT_MS), node: name, consistent: true }
    const isMarked = textAt(raw, 'Meta', 'external-node') === 'true'
    const [body, ownChecks]: [unknown, unknown] = await Promise.all([
      consul.catalog.node.services(options),
      // Those of marked nodes are read together.
      isMarked ? [] : consul.health.node({ ...options, name }),
    ])
    const services = Object.values(at(body, 'Services') ?? {}).map(readService)
    return {
      name,
      address: textAt(raw, 'Address'),
      meta: pairsOf(at(raw, 'Meta')),
      index: numberAt(raw, 'ModifyIndex'),
      services: new Map(services.map((service) => [service.id, service])),
      checks: checksBy(listOf(ownChecks)),
    }
  }

  return {
    address: client.address,
    lock: createLock(client, key),
    read: (names) =>
      call('reading the catalog', async () => {
        const options = { ...common(READ_TIMEOUT_MS), consistent: true }
        const [all, states] = await Promise.all([
          consul.catalog.node.list(options) as Promise<unknown>,
          consul.health.state({ ...options, ...FILTER, state: 'any' }) as Promise<unknown>,
        ])
        const wanted = new Set(names)
        const mine = listOf(all).filter(
          (node) => textAt(node, 'Meta', 'external-node') === 'true' || wanted.has(textAt(node, 'Node')),
        )
        const limited = createLimit(AT_ONCE)
        const nodes = await Promise.all(mine.map((node) => limited(() => readNode(node))))
        const checks = new Map<string, unknown[]>()
        for (const check of listOf(states)) {
          const of = textAt(check, 'Node')
          checks.set(of, [...(checks.get(of) ?? []), check])
        }
        return new Map(
          nodes.map((node) => {
            const own = checks.get(node.name)
            return [node.name, own === undefined ? node : { ...node, checks: checksBy(own) }]
          }),
        )
      }),
    watch: (index, signal) =>
      call('waiting for changes', async () => {
        const options = { ...common(WAIT_TIMEOUT_MS), ...FILTER, state: 'any' as const }
        const { index: next, body } = await waitForChange(index, signal, (waiting) =>
          consul.health.state({ ...options, ...waiting }),
        )
        const checks = listOf(body).map(
          (raw) => [`${textAt(raw, 'Node')}/${textAt(raw, 'CheckID')}`, textAt(raw, 'Status')] as const,
        )
        return { index: next, checks: new Map(checks) }
      }),
    async write(writes, session) {
      const operations = [{ KV: { Verb: 'check-session', Key: key(), Session: session } }, ...writes.map(operationOf)]
      return await call('writing', async () => {
        try {
          const results = listOf(at(await transact(operations, WRITE_TIMEOUT_MS), 'Results'))
          return { kind: 'done', indexOf: indexes(writes, results) } as const
        } catch (error) {
          const refused = refusalOf(error)
          if (refused === undefined) throw error
          return refused
        }
      })
    },
  }
}

export function readService(raw: unknown): CatalogService {
  return {
    id: textAt(raw, 'ID'),
    name: textAt(raw, 'Service'),
    address: textAt(raw, 'Address'),
    port: numberAt(raw, 'Port'),
    tags: textsOf(at(raw, 'Tags')),
    meta: pairsOf(at(raw, 'Meta')),
    index: numberAt(raw, 'ModifyIndex'),
  }
}

const checksBy = (list: readonly unknown[]): ReadonlyMap<string, CatalogCheck> =>
  new Map(list.map(readCheck).map((check) => [check.id, check]))

export const readCheck = (raw: unknown): CatalogCheck => ({
  id: textAt(raw, 'CheckID'),
  name: textAt(raw, 'Name'),
  status: textAt(raw, 'Status'),
  serviceId: textAt(raw, 'ServiceID'),
  index: numberAt(raw, 'ModifyIndex'),
})

function operationOf(write: CatalogWrite): object {
  const { node: Node } = write
  switch (write.kind) {
    case 'set-node': {
      const { address: Address, meta: Meta, index: ModifyIndex } = write
      return { Node: { Verb: 'cas', Node: { Node, Address, Meta, ModifyIndex } } }
    }
    case 'delete-node':
      return { Node: { Verb: 'delete-cas', Node: { Node, ModifyIndex: write.index } } }
    case 'set-service':
      return { Service: { Verb: 'cas', Node, Service: serviceOf(write.service) } }
    case 'delete-service':
      return {
        Service: { Verb: 'delete-cas', Node, Service: { ID: write.id, Service: write.name, ModifyIndex: write.index } },
      }
    case 'set-check': {
      const { id: CheckID, name: Name, status: Status, serviceId: ServiceID, index: ModifyIndex } = write.check
      return { Check: { Verb: 'cas', Check: { Node, CheckID, Name, Status, ServiceID, ModifyIndex } } }
    }
  }
}

/** No TaggedAddresses: Consul takes them in a transaction and forgets them. */
const serviceOf = ({ id, name, address, port, tags, meta, index }: CatalogService): object => ({
  ID: id,
  Service: name,
  Address: address,
  Port: port,
  Tags: tags,
  Meta: meta,
  ModifyIndex: index,
})

/** Deletions leave nothing among the results. */
function indexes(writes: readonly CatalogWrite[], results: readonly unknown[]): (write: CatalogWrite) => number {
  const [, ...own] = results
  const found = new Map<CatalogWrite, number>()
  const left = writes.filter(({ kind }) => kind !== 'delete-node' && kind !== 'delete-service')
  for (const [place, write] of left.entries()) {
    const result = own[place]
    const [value] = Object.values(typeof result === 'object' && result !== null ? result : {})
    found.set(write, numberAt(value, 'ModifyIndex'))
  }
  return (write) => found.get(write) ?? 0
}

/** `undefined`: it is no answer about single operations. Throws Fault when the token may not even do that. */
function refusalOf(error: unknown): TransactionResult | undefined {
  const answer = answerOf(error)
  if (answer?.status !== 409) return undefined
  const errors = listOf(at(answer.body, 'Errors'))
  if (errors.length === 0) return undefined
  const failures: WriteFailure[] = errors.map((raw) => {
    const reason = textAt(raw, 'What')
    return { place: numberAt(raw, 'OpIndex') - 1, reason, isStale: /index is stale/.test(reason) }
  })
  const ofLock = failures.find(({ place }) => place < 0)
  if (ofLock === undefined) return { kind: 'refused', failures }
  if (/permission denied/i.test(ofLock.reason)) {
    const hint = 'the token of CONSUL_HTTP_TOKEN_FILE lacks key_prefix write; docs/discovery.md has the policy it needs'
    throw new Fault('consul-unavailable', `Consul, writing: ${ofLock.reason} - ${hint}`, { retryAfterMs: 5_000 })
  }
  return { kind: 'not-writer' }
}
