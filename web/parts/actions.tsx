/** What a person may do to an autoscaler: a step, a count, a pause; and to all of them. Each says what became of it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { post, put, Refused } from '../api.ts'
import type { Decision, Direction, Summary } from '../api-types.ts'
import { holds } from '../model/rows.ts'
import { clock, dateAndClock, until } from '../model/time.ts'
import { cannotWrite, nowMs, pauseOfAll, say, summaries } from '../store.ts'
import { Button } from './ui.tsx'

const path = (name: string, verb: string) => `v1/autoscaler/${encodeURIComponent(name)}/${verb}`

async function tell(
  work: Promise<unknown>,
  words: (answer: unknown) => { text: string; isGood: boolean },
): Promise<boolean> {
  try {
    const { text, isGood } = words(await work)
    say(text, isGood ? 'ok' : 'bad')
    return isGood
  } catch (error) {
    say(error instanceof Refused ? error.message : String(error), 'bad')
    return false
  }
}

function decided(answer: unknown) {
  const { autoscaler, outcome, from, to, reason } = answer as Decision
  const isGood = outcome === 'scaled'
  return { text: isGood ? `${autoscaler}: ${from} → ${to}, ${reason}` : `${autoscaler}: ${outcome}, ${reason}`, isGood }
}

export const step = (name: string, direction: Direction) => tell(post(path(name, direction)), decided)

export const setCount = (name: string, replicas: number, expect: number) =>
  tell(put(path(name, 'replicas'), { replicas, expect }), decided)

export const resume = (name: string) =>
  tell(post(path(name, 'resume'), {}), () => ({ text: `${name}: resumed`, isGood: true }))

export const resumeAll = () =>
  tell(post('v1/resume', {}), () => ({ text: 'everything is resumed, but what is paused on its own', isGood: true }))

/** Why a step would do nothing now, as far as the row says; the controller decides. */
export function whyNotStep(row: Summary, direction: Direction): string {
  if (cannotWrite.value !== '') return cannotWrite.value
  const { attention } = row
  if (attention?.type === 'Valid' || attention?.type === 'Supported') return attention.reason
  const ofAll = pauseOfAll.value
  const pause = [row.pause, ofAll].find(
    (one) => holds(one, nowMs.value) && (one.direction === 'both' || one.direction === direction),
  )
  if (pause !== undefined) {
    const ends = pause.until === undefined ? 'until it is resumed' : `ends ${until(pause.until, nowMs.value)}`
    return `${pause === ofAll ? 'everything is ' : ''}paused, ${ends}`
  }
  if (direction === 'up' && typeof row.max === 'number' && row.replicas >= row.max) return `at max (${row.max})`
  if (direction === 'down' && row.min !== undefined && row.replicas <= row.min) return `at min (${row.min})`
  const next = row.nextAllowed[direction]
  const wait = next === undefined ? '' : until(next, nowMs.value)
  return wait === '' ? '' : `cooldown: ${direction} is possible ${wait}`
}

export function StepButtons({ row }: { row: Summary }) {
  return (
    <span class="steps">
      <Button label={`${row.name} down`} why={whyNotStep(row, 'down')} onClick={() => void step(row.name, 'down')}>
        −
      </Button>
      <Button label={`${row.name} up`} why={whyNotStep(row, 'up')} onClick={() => void step(row.name, 'up')}>
        +
      </Button>
    </span>
  )
}

/** The value is selected on focus, Enter asks, Escape or leaving gives back what is. */
export function CountField({ row }: { row: Summary }) {
  const [text, setText] = useState<string | undefined>(undefined)
  const [busy, setBusy] = useState(false)
  const why = cannotWrite.value
  const wanted = text === undefined || !/^\d{1,6}$/.test(text) ? undefined : Number(text)
  const clamped = wanted === undefined ? undefined : Math.min(Math.max(wanted, row.min ?? 0), row.max ?? wanted)
  const submit = async () => {
    if (wanted === undefined || busy) return
    setBusy(true)
    await setCount(row.name, wanted, row.replicas)
    setBusy(false)
    setText(undefined)
  }
  return (
    <form
      class="count"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <label>
        Count{' '}
        <input
          inputMode="numeric"
          value={text ?? String(row.replicas)}
          readOnly={why !== ''}
          title={why || 'Enter sets it'}
          onFocus={({ currentTarget }) => currentTarget.select()}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onKeyDown={({ key, currentTarget }) => {
            if (key !== 'Escape') return
            setText(undefined)
            currentTarget.blur()
          }}
        />
      </label>
      <button type="submit" class="small" aria-disabled={why !== '' || wanted === undefined}>
        Set
      </button>
      <span class="faint" aria-live="polite">
        {text !== undefined && wanted === undefined && 'a whole number, please'}
        {wanted !== undefined &&
          clamped !== wanted &&
          `becomes ${clamped}: bounds are ${row.min}–${row.max ?? 'no max'}`}
        {wanted !== undefined && clamped === wanted && wanted !== row.replicas && `${row.replicas} → ${wanted}`}
      </span>
    </form>
  )
}

const MINUTE_MS = 60_000
/** As the API takes them; the last is until somebody resumes. */
const DURATIONS = [
  { lasts: '5m', words: '5 minutes', ms: 5 * MINUTE_MS },
  { lasts: '30m', words: '30 minutes', ms: 30 * MINUTE_MS },
  { lasts: '2h', words: '2 hours', ms: 120 * MINUTE_MS },
  { lasts: '24h', words: 'a day', ms: 1440 * MINUTE_MS },
  { lasts: '', words: 'until resumed', ms: 0 },
]

/** Without a name, of everything. */
function PauseDialog({ name, onClose }: { name?: string; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [lasts, setLasts] = useState('30m')
  const [direction, setDirection] = useState<Direction | 'both'>('both')
  const [reason, setReason] = useState('')
  useEffect(() => dialog.current?.showModal(), [])
  const what = name ?? 'everything'
  const { ms = 0 } = DURATIONS.find((one) => one.lasts === lasts) ?? {}
  const submit = async () => {
    const body = { direction, ...(lasts !== '' && { for: lasts }), ...(reason !== '' && { reason }) }
    const sent = post(name === undefined ? 'v1/pause' : path(name, 'pause'), body)
    const isDone = await tell(sent, () => ({ text: `${what}: paused`, isGood: true }))
    // What opened it has the focus again.
    if (isDone) dialog.current?.close()
  }
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="pause-title">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <h2 id="pause-title">Pause {what}</h2>
        {name === undefined && (
          <p>
            None of the {summaries.value.size} autoscalers changes a count meanwhile, and none of those to come: calls,
            alerts, schedules and measured load are held. Counts set with <code>docker service scale</code> stay.
          </p>
        )}
        <label>
          For{' '}
          <select value={lasts} onChange={({ currentTarget }) => setLasts(currentTarget.value)}>
            {DURATIONS.map((one) => (
              <option key={one.lasts} value={one.lasts}>
                {one.words}
              </option>
            ))}
          </select>
        </label>
        <label>
          Direction{' '}
          <select
            value={direction}
            onChange={({ currentTarget }) => setDirection(currentTarget.value as Direction | 'both')}
          >
            <option value="both">up and down</option>
            <option value="up">up</option>
            <option value="down">down</option>
          </select>
        </label>
        <label>
          Reason{' '}
          <input
            value={reason}
            maxLength={200}
            placeholder="who reads this at 3 a.m.?"
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </label>
        <p class="faint">
          {ms === 0
            ? 'Until somebody resumes it.'
            : `Until ${(ms < 1440 * MINUTE_MS ? clock : dateAndClock)(nowMs.value + ms)}.`}
        </p>
        <div class="buttons">
          <button type="submit" class="main">
            {name === undefined ? 'Pause everything' : 'Pause'}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  )
}

export function PauseButton({ row }: { row: Summary }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      {holds(row.pause, nowMs.value) ? (
        <Button label={`resume ${row.name}`} why={cannotWrite.value} onClick={() => void resume(row.name)}>
          Resume
        </Button>
      ) : (
        <Button label={`pause ${row.name}`} why={cannotWrite.value} onClick={() => setOpen(true)}>
          Pause
        </Button>
      )}
      {isOpen && <PauseDialog name={row.name} onClose={() => setOpen(false)} />}
    </>
  )
}

/** While everything is paused, the line that says so has the button that ends it. */
export function PauseAllButton() {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button label="Pause everything" why={cannotWrite.value} onClick={() => setOpen(true)}>
        {pauseOfAll.value === undefined ? 'Pause everything' : 'Pause everything for longer'}
      </Button>
      {isOpen && <PauseDialog onClose={() => setOpen(false)} />}
    </>
  )
}
