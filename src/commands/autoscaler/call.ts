/** One call of the API for a command: its answer as JSON for machines, or in words for people. */
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../foundation/errors.ts'
import { visibleText } from '../../foundation/visible-text.ts'
import type { Console, ExitCode } from '../console.ts'
import { type Answer, type Call, callController, problemText } from '../controller-client.ts'

export interface JsonOption {
  readonly json?: true
}

interface Shown<Body> extends Call {
  /** What is said of a 404. */
  readonly notFound?: string
  /** Of what is read once somebody asks: whether it was read by now. Asked again a moment later where it says no, or the API 503. */
  readonly isKnown?: (body: Body) => boolean
}

/** `words`: what people read, with the exit code where it is not 0. Throws Error when no controller answers. */
export async function show<Body>(
  { notFound, isKnown, ...call }: Shown<Body>,
  { json }: JsonOption,
  io: Console,
  words: (body: Body) => string | { readonly text: string; readonly exitCode: ExitCode },
): Promise<ExitCode> {
  const answer = await ask(call, isKnown, io)
  if (answer.status !== 200) {
    if (json) io.out(`${answer.text}\n`)
    io.err(`orrery: ${(answer.status === 404 && notFound) || problemText(answer)}\n`)
    return 1
  }
  const said = read(answer.text, words)
  const { text, exitCode } = typeof said === 'string' ? { text: said, exitCode: 0 as const } : said
  io.out(json ? `${answer.text}\n` : text)
  return exitCode
}

/** A proxy's page, another program, a controller of long ago. */
function read<Body, Said>(text: string, words: (body: Body) => Said): Said {
  try {
    return words(JSON.parse(text, visible))
  } catch (cause) {
    throw new Error(`what answers at ORRERY_URL is not a controller of this version (${messageOf(cause)})`, { cause })
  }
}

const KNOWN_MS = 1500
const MOST_ASKED = 2

async function ask<Body>(call: Call, isKnown: Shown<Body>['isKnown'], io: Console): Promise<Answer> {
  for (let asked = 1; ; asked += 1) {
    const answer = await callController(io, call)
    if (isKnown === undefined || asked === MOST_ASKED) return answer
    const isThere = answer.status === 200 ? read(answer.text, isKnown) : answer.status !== 503
    if (isThere) return answer
    await sleep(KNOWN_MS)
  }
}

/** Whatever somebody wrote into a label, a reason or a fault ends up in one line of what is printed. */
const visible = (_key: string, value: unknown): unknown => (typeof value === 'string' ? visibleText(value) : value)

export const pathOf = (name: string, rest = ''): string => `/v1/autoscaler/${encodeURIComponent(name)}${rest}`

/** `30 s`, `4 min`, `3 h`, `2 d` before now; `-` for a time that never was. */
export function ago(at: string | undefined, nowMs = Date.now()): string {
  if (at === undefined) return '-'
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(at)) / 1000))
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`
  return `${Math.round(seconds / 86_400)} d ago`
}
