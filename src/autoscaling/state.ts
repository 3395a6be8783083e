/**
 * The state label `autoscaler.state`: what one service's autoscaler must remember, written in the same
 * compare-and-swap as the count. Compact JSON of at most 4 KB. Pure.
 */
import type { Direction } from './policy.ts'
import type { RecentKey } from './recent-keys.ts'

/** What a write was for. */
export type Cause = 'call' | 'alert' | 'orbiter' | 'set' | 'restore' | 'bounds'

export interface ScalingState {
  /** Random id of the write that carried this state. */
  readonly writeId: string
  readonly atMs: number
  readonly from: number
  readonly to: number
  readonly direction: Direction
  readonly cause: Cause
  /** When a write of ours last raised the count. */
  readonly lastUpMs?: number
  /** When a write of ours last changed the count either way. */
  readonly lastChangeMs?: number
  /** Keyed requests that changed the count, oldest first. */
  readonly keys: readonly RecentKey[]
  /** Fields a newer version wrote; sent back untouched. */
  readonly unknown?: Readonly<Record<string, unknown>>
}
