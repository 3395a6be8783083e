/** What happened when, for people who read the tests' output. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { WireDecision } from '../../../src/http/wire/decision.ts'

export interface Timeline {
  note(what: string): void
  /** Decisions in the order they were taken, up to now. */
  decisions(): Promise<readonly WireDecision[]>
  /** Ends the watching and prints everything. */
  print(title: string): Promise<void>
}

/** Follows the decisions about one autoscaler. `read` may fail, or give nothing: the controller may be down, or not know it yet. */
export function startTimeline(read: () => Promise<readonly WireDecision[] | undefined>): Timeline {
  const startedAt = Date.now()
  const notes: { atMs: number; text: string }[] = []
  const seen = new Map<string, WireDecision>()
  let over = false
  const look = async () => {
    const decisions = (await read().catch(() => undefined)) ?? []
    for (const one of decisions) seen.set(`${one.at} ${one.outcome} ${one.to}`, one)
  }
  const watching = (async () => {
    for (; !over; await sleep(250)) await look()
    await look()
  })()
  const inOrder = () => [...seen.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  return {
    note: (text) => void notes.push({ atMs: Date.now(), text }),
    async decisions() {
      await look()
      return inOrder()
    },
    async print(title) {
      over = true
      await watching
      const lines = [...notes, ...inOrder().map((one) => ({ atMs: Date.parse(one.at), text: sentence(one) }))]
      const told = lines.sort((a, b) => a.atMs - b.atMs)
      console.log([title, ...withoutRepeats(told, startedAt)].join('\n'))
    },
  }
}

const sentence = ({ from, to, outcome, code, reason }: WireDecision) =>
  `${`${from === to ? from : `${from} -> ${to}`} replicas`.padEnd(17)} ${[outcome, code].filter(Boolean).join(' ')}: ${reason}`

/** A line that says what the one before said is counted, not repeated. */
function withoutRepeats(lines: readonly { atMs: number; text: string }[], startedAt: number): string[] {
  const told: { atMs: number; text: string; times: number }[] = []
  for (const line of lines) {
    const last = told.at(-1)
    if (last?.text.replace(/\d+(\.\d+)? s/g, '') === line.text.replace(/\d+(\.\d+)? s/g, '')) last.times += 1
    else told.push({ ...line, times: 1 })
  }
  return told.map(({ atMs, text, times }) => {
    const seconds = ((atMs - startedAt) / 1000).toFixed(1).padStart(7)
    return `${seconds} s  ${text}${times > 1 ? ` (${times} times)` : ''}`
  })
}
