/**
 * Lists of any length, read as they come: no more than one item is held as bytes, and what is known in the version that the
 * engine shows is not parsed. Parsing a thousand services without loss takes 150 ms of one core, and usually none is new.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine, EngineCall } from './engine-connection.ts'
import { isReset } from './engine-errors.ts'

/** One item of a list: newly read, or known to have the version that is cached. */
export type Changed<Item> = Item | { readonly id: string; readonly unchanged: true }

export interface ListDeps<Item> {
  readonly engine: Pick<Engine, 'list'>
  readonly call: Pick<EngineCall, 'path' | 'query' | 'timeoutMs' | 'signal'>
  readonly hasVersion: (id: string, version: number) => boolean
  /** Takes an item's JSON. `undefined`: one that does not count. Throws EngineError, or SyntaxError. */
  readonly read: (text: string) => Item | undefined
  /** How many are known, for `believed`. */
  readonly known?: number
}

/** Every engine writes these two first. */
const HEAD = /^\{"ID":"([^"\\]+)","Version":\{"Index":(\d+)\}/
const HEAD_BYTES = 100
const ID_AT = '{"ID":"'.length
const ASK_AGAIN_MS = 500

/** A list that shows nothing of what is known, and all is well with it otherwise: asked for again before it is believed. */
export async function believed<List extends readonly unknown[]>(
  { known, signal }: { readonly known: number; readonly signal: AbortSignal | undefined },
  list: () => Promise<List>,
): Promise<List> {
  const listed = await list()
  if (listed.length > 0 || known === 0) return listed
  await sleep(ASK_AGAIN_MS, undefined, signal === undefined ? {} : { signal })
  return await list()
}

/** Throws EngineError: of the call, and `malformed`. */
export const listChanged = <Item>(deps: ListDeps<Item>): Promise<Changed<Item>[]> =>
  believed({ known: deps.known ?? 0, signal: deps.call.signal }, () => listTwice(deps))

const listTwice = <Item>(deps: ListDeps<Item>): Promise<Changed<Item>[]> =>
  listOnce(deps).catch((error: unknown) => {
    if (isReset(error)) return listOnce(deps)
    throw error
  })

async function listOnce<Item>({ engine, call, hasVersion, read }: ListDeps<Item>): Promise<Changed<Item>[]> {
  const listed: Changed<Item>[] = []
  await engine.list({ ...call, method: 'GET', endpoint: call.path }, (bytes) => {
    const [, id = '', version] = HEAD.exec(bytes.toString('latin1', 0, HEAD_BYTES)) ?? []
    // A copy: what an expression finds keeps the whole text that it was found in.
    if (hasVersion(id, Number(version)))
      listed.push({ id: bytes.toString('latin1', ID_AT, ID_AT + id.length), unchanged: true })
    else {
      const item = read(bytes.toString('utf8'))
      if (item !== undefined) listed.push(item)
    }
  })
  return listed
}
