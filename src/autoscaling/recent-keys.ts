/** Idempotency keys that changed the count, packed into the state label. Pure. */

export interface RecentKey {
  /** 64-bit hash, 11 base64url characters. */
  readonly hash: string
  /** 12-bit hash of what was asked, 2 base64url characters. */
  readonly wish: string
  /** Whole seconds since the epoch. */
  readonly atSeconds: number
  readonly from: number
  readonly to: number
}
