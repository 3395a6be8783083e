/** `set`, `pause`, `resume`: what a person does to an autoscaler, answered with a sentence. */
import type { WireAutoscaler } from '../../http/wire/autoscaler.ts'
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
  readonly for?: string
  readonly direction?: string
  readonly reason?: string
}

export async function set(
  { name, replicas }: { readonly name: string; readonly replicas: string },
  { expect, reason, key, ...options }: SetOptions,
  io: Console,
): Promise<ExitCode> {
  const body = {
    replicas: Number(replicas),
    ...(expect !== undefined && { expect: Number(expect) }),
    ...(reason !== undefined && { reason }),
  }
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  const call = { method: 'PUT', path: pathOf(name, '/replicas'), body, headers } as const
  return await show<WireDecision>(call, options, io, decisionWords)
}

export async function pause(name: string, { json, ...body }: PauseOptions, io: Console): Promise<ExitCode> {
  const call = { method: 'POST', path: pathOf(name, '/pause'), body } as const
  return await show<WireAutoscaler>(call, { ...(json && { json }) }, io, pausedWords)
}

export async function resume(name: string, { json, ...body }: PauseOptions, io: Console): Promise<ExitCode> {
  const call = { method: 'POST', path: pathOf(name, '/resume'), body } as const
  return await show<WireAutoscaler>(call, { ...(json && { json }) }, io, pausedWords)
}

/** A pause that the policy says stays, whatever was called. */
function pausedWords({ name, conditions }: WireAutoscaler): string {
  const paused = conditions.find(({ type }) => type === 'Paused')
  return paused?.status ? `${name}: ${paused.reason}\n` : `${name}: not paused\n`
}
