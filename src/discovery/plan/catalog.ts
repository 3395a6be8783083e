/** What Consul's catalog holds on nodes that are no agents', as it was read or as our own writes left it. */

export const EXTERNAL_NODE = { 'external-node': 'true' } as const

export interface CatalogService {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly port: number
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  /** ModifyIndex: what a write compares against. */
  readonly index: number
}

export interface CatalogCheck {
  readonly id: string
  readonly name: string
  readonly status: string
  /** Empty: the node's own. */
  readonly serviceId: string
  readonly index: number
}

export interface CatalogNode {
  readonly name: string
  readonly address: string
  readonly meta: Readonly<Record<string, string>>
  readonly index: number
  /** By id. */
  readonly services: ReadonlyMap<string, CatalogService>
  readonly checks: ReadonlyMap<string, CatalogCheck>
}

/** One that is put together. */
export interface CatalogNodeDraft extends CatalogNode {
  readonly services: Map<string, CatalogService>
  readonly checks: Map<string, CatalogCheck>
}

export const draftOf = (
  node: Omit<CatalogNode, 'services' | 'checks'> & Partial<Pick<CatalogNode, 'services' | 'checks'>>,
): CatalogNodeDraft => ({ ...node, services: new Map(node.services), checks: new Map(node.checks) })

/** By name. */
export type CatalogState = ReadonlyMap<string, CatalogNode>

/** One write; each is a compare-and-swap, with 0 for what must not be there yet. */
export type CatalogWrite =
  | {
      readonly kind: 'set-node'
      readonly node: string
      readonly address: string
      readonly meta: Readonly<Record<string, string>>
      readonly index: number
    }
  | { readonly kind: 'delete-node'; readonly node: string; readonly index: number }
  | { readonly kind: 'set-service'; readonly node: string; readonly service: CatalogService }
  | {
      readonly kind: 'delete-service'
      readonly node: string
      readonly id: string
      /** Consul judges the right to delete it by this. */
      readonly name: string
      readonly index: number
    }
  | { readonly kind: 'set-check'; readonly node: string; readonly check: CatalogCheck }

/** Writes that belong together: all or none. */
export interface CatalogStep {
  /** Whom it is for: an entry's id, or `node <name>`. */
  readonly subject: string
  readonly writes: readonly CatalogWrite[]
}
