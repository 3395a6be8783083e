/** One node's range as a grid of addresses. Pure. */
import type { Share } from '../api-types.ts'

export interface Cell {
  readonly address: string
  readonly use: string
  readonly text: string
}

/** Of a range of at most 1024 IPv4 addresses; `undefined` for larger ones, which are shown as a list. */
export function grid(share: Pick<Share, 'range' | 'addresses'>): Cell[] | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(share.range)
  if (match === null) return undefined
  const [a = 0, b = 0, c = 0, d = 0, length = 0] = match.slice(1).map(Number)
  if (length < 22) return undefined
  const used = new Map(share.addresses.map((one) => [one.address ?? '', one]))
  const first = ((a * 256 + b) * 256 + c) * 256 + d
  return Array.from({ length: 2 ** (32 - length) }, (_, index) => {
    const address = dotted(first + index)
    const one = used.get(address)
    const who = one?.taskName ?? one?.containerName ?? one?.serviceName ?? ''
    const use = one?.use ?? 'free'
    return { address, use, text: `${address}: ${use}${who === '' ? '' : `, ${who}`}` }
  })
}

const dotted = (value: number): string =>
  [value / 2 ** 24, value / 2 ** 16, value / 2 ** 8, value].map((part) => Math.floor(part) % 256).join('.')
