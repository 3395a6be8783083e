/** An `Idempotency-Key` header as it is remembered: hashed, so that the state label holds no text of a caller. */
import { createHash } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import type { RequestKey } from '../../../autoscaling/decision/request.ts'
import { HttpProblem } from '../../problem.ts'

const MAX_KEY_LENGTH = 255

export const IdempotencyHeader = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ description: 'New for every wish; the same key again is the same step, once.' }),
  ),
})

export interface Keyed {
  readonly autoscaler: string
  /** What is asked, in one canonical form: `up:`, `up:25%`, `set:4`. One key is one wish. */
  readonly wish: string
}

/** 64 bits of key and autoscaler and 12 bits of the wish. A newline can be in neither a header nor a name. */
export function hashKey(key: string, { autoscaler, wish }: Keyed): RequestKey {
  const sha256 = (text: string) => createHash('sha256').update(text).digest()
  return {
    hash: sha256(`${autoscaler}\n${key}`).subarray(0, 8).toString('base64url'),
    wish: sha256(wish).toString('base64url').slice(0, 2),
  }
}

/** `undefined` without the header. Throws HttpProblem `invalid-value` for a blank or overlong one. */
export function readIdempotencyKey(header: string | string[] | undefined, keyed: Keyed): RequestKey | undefined {
  if (header === undefined) return undefined
  const key = Array.isArray(header) ? header.join(', ') : header
  if (key.trim() !== '' && key.length <= MAX_KEY_LENGTH) return hashKey(key, keyed)
  const what = key.trim() === '' ? 'is blank' : `is longer than ${MAX_KEY_LENGTH} characters`
  throw new HttpProblem(
    'invalid-value',
    `Header Idempotency-Key ${what}; send a text that is new for every wish, such as a UUID.`,
  )
}
