/** `set`, `pause`, `resume`: what a person does to an autoscaler, answered with a sentence. */
import type { WireAutoscaler, WirePauseOfAll } from '../../http/wire/autoscaler.ts'
import type { WireDecision } from '../../http/wire/decision.ts'
import type { Console, ExitCode } from '../console.ts'
import { type JsonOption, pathOf, show } from './call.ts'
import { decisionWords } from './scale.ts'

export interface SetOptions extends JsonOption {
  readonly expect?: string
  readonly reason?: string
  readonly key?: string
}

export interface PauseOptions extends JsonOption {
  readonly all?: true
  readonly for?: string
  readonly direction?: string
  readonly reason?: string
}

export async function set(
  { name, replicas }: { readonly name: string; readonly replicas: string },
  { expect, reason, key, ...options }: SetOptions,
  io: Console,
): Promise<ExitCode> {
  // What is absent is not sent.
  const body = { replicas: Number(replicas), expect: expect === undefined ? undefined : Number(expect), reason }
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  const call = { method: 'PUT', path: pathOf(name, '/replicas'), body, headers } as const
  return await show<WireDecision>(call, options, io, decisionWords)
}

/** `name` absent: of everything. */
export const pause = async (name: string | undefined, options: PauseOptions, io: Console): Promise<ExitCode> =>
  await send({ name, verb: 'pause' }, options, io)

export const resume = async (name: string | undefined, options: PauseOptions, io: Console): Promise<ExitCode> =>
  await send({ name, verb: 'resume' }, options, io)

async function send(
  { name, verb }: { readonly name: string | undefined; readonly verb: 'pause' | 'resume' },
  { json, all: _, ...body }: PauseOptions,
  io: Console,
): Promise<ExitCode> {
  const call = { method: 'POST', path: name === undefined ? `/v1/${verb}` : pathOf(name, `/${verb}`), body } as const
  const options = { ...(json && { json }) }
  return name === undefined
    ? await show<WirePauseOfAll>(
        call,
        options,
        io,
        ({ pause: of }) => pauseOfAllText(of) ?? 'not everything is paused\n',
      )
    : await show<WireAutoscaler>(call, options, io, pausedWords)
}

/** A line; `undefined`: there is none. */
export function pauseOfAllText(pause: WirePauseOfAll['pause']): string | undefined {
  if (pause === undefined) return undefined
  const { direction, until, by, reason } = pause
  const ends = until === undefined ? 'until it is resumed' : `until ${until}`
  const which = direction === 'both' ? '' : ` (${direction})`
  const who = [by, reason].filter((text) => text !== undefined).join(': ')
  return `everything is paused${which} ${ends}${who === '' ? '' : `, ${who}`}; \`orrery resume --all\` ends it\n`
}

/** A pause that the policy says, or that of everything, stays whatever was called. */
function pausedWords({ name, conditions }: WireAutoscaler): string {
  const paused = conditions.find(({ type }) => type === 'Paused')
  return paused?.status ? `${name}: ${paused.reason}\n` : `${name}: not paused\n`
}
