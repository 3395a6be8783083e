export function percentile(values: readonly number[], per: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const index = Math.min(Math.ceil((per / 100) * sorted.length) - 1, sorted.length - 1)
  return sorted[Math.max(index, 0)] ?? Number.NaN
}

export const median = (values: readonly number[]): number => percentile(values, 50)

export const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`

export const perSecond = (value: number): string => `${Math.round(value)}/s`
