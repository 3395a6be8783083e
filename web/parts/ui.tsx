/** Small pieces that every view uses. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Refused } from '../api.ts'
import type { Condition } from '../api-types.ts'
import type { Tone } from '../model/rows.ts'
import { ago, dateAndClock } from '../model/time.ts'
import { nowMs, refine, roughlyNowMs, route, say, touched } from '../store.ts'

export const Badge = ({ tone, children }: { tone: Tone; children: ComponentChildren }) => (
  <span class={`badge ${tone}`}>{children}</span>
)

interface ButtonProps {
  readonly onClick: () => void
  /** Why it does nothing now; empty: it works. */
  readonly why?: string
  readonly label?: string
  readonly kind?: 'main' | 'small'
  readonly children: ComponentChildren
}

/** A button that is off stays in the order of the keyboard and says why, to eyes and to screen readers. */
export function Button({ onClick, why = '', label, kind = 'small', children }: ButtonProps) {
  const name = [label, why].filter(Boolean).join(': ')
  return (
    <button
      type="button"
      class={kind}
      aria-disabled={why !== ''}
      aria-label={name || undefined}
      title={why || label || undefined}
      onClick={() => (why === '' ? onClick() : say(why, 'bad'))}
    >
      {children}
    </button>
  )
}

/** `1 node`, `2 nodes`. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** From here on, seconds are not told. */
const MINUTES_MS = 120_000

export const When = ({ at }: { at: string | undefined }) =>
  at === undefined ? (
    <span class="faint">never</span>
  ) : (
    <time dateTime={at} title={dateAndClock(at)}>
      {ago(at, Date.parse(at) < roughlyNowMs.peek() - MINUTES_MS ? roughlyNowMs.value : nowMs.value)}
    </time>
  )

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>

/** What is wider than a phone scrolls on its own; the keyboard reaches it. */
export const Wide = ({ label, children }: { label: string; children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (axe: scrollable-region-focusable)
  <section class="scroll" tabIndex={0} aria-label={label}>
    {children}
  </section>
)

export const Conditions = ({ conditions }: { conditions: readonly Condition[] }) => (
  <section>
    <h2>Conditions</h2>
    <Wide label="Conditions">
      <table>
        <tbody>
          {conditions.map(({ type, status, reason, since }) => (
            <tr key={type}>
              <th scope="row">{type}</th>
              <td>{status ? 'yes' : 'no'}</td>
              <td>{reason}</td>
              <td>
                <When at={since} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  </section>
)

/** Words, kept in the address. */
export const Filter = ({ placeholder }: { placeholder?: string }) => (
  <label>
    Filter{' '}
    <input
      type="search"
      value={route.value.query.q ?? ''}
      placeholder={placeholder}
      onInput={({ currentTarget }) => refine({ q: currentTarget.value })}
    />
  </label>
)

/** `n more` is never silent. */
export const More = ({ left, what, onClick }: { left: number; what: string; onClick?: () => void }) =>
  left === 0 ? null : (
    <p class="more">
      {left} more {what}{' '}
      {onClick && (
        <button type="button" class="small" onClick={onClick}>
          show them
        </button>
      )}
    </p>
  )

export interface Loaded<Data> {
  readonly data: Data | undefined
  /** Empty: none. What was read before stays on the page. */
  readonly problem: string
  readonly again: () => void
}

const READ_APART_MS = 400

/** Reads on the first look and after each event that `isOurs` says yes to, at most every 0.4 s, and each 15 s. */
export function useRead<Data>(
  read: () => Promise<Data>,
  key: string,
  isOurs: (service: string) => boolean,
): Loaded<Data> {
  const [state, setState] = useState<{ key: string; data?: Data; problem: string }>({ key, problem: '' })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const later = (ms: number) => {
      if (timer === undefined) timer = setTimeout(() => setTurn((before) => before + 1), ms)
    }
    let first = true
    const stop = touched.subscribe((services) => {
      if (!first && [...services].some((service) => service === '' || isOurs(service))) later(READ_APART_MS)
      first = false
    })
    const slow = setInterval(() => later(0), 15_000)
    return () => {
      stop()
      clearTimeout(timer)
      clearInterval(slow)
    }
  }, [key, turn])
  useEffect(() => {
    let isOver = false
    read().then(
      (data) => isOver || setState({ key, data, problem: '' }),
      (error: unknown) => {
        const problem = error instanceof Error ? error.message : String(error)
        const isGone = error instanceof Refused && error.status === 404
        if (!isOver)
          setState((before) => ({
            key,
            ...(before.data && before.key === key && !isGone && { data: before.data }),
            problem,
          }))
      },
    )
    return () => {
      isOver = true
    }
  }, [key, turn])
  return {
    data: state.key === key ? state.data : undefined,
    problem: state.key === key ? state.problem : '',
    again: () => setTurn((before) => before + 1),
  }
}
