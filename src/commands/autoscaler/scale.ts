/** `orrery up` and `orrery down`: one step, answered with a sentence or the decision as JSON. */
import { reasonAndNote } from '../../autoscaling/decision/decision.ts'
import type { Direction } from '../../autoscaling/policy/policy.ts'
import type { WireDecision } from '../../http/wire/decision.ts'
import type { Console, ExitCode } from '../console.ts'
import { pathOf, show } from './call.ts'

export interface ScaleOptions {
  readonly by?: string
  readonly reason?: string
  readonly key?: string
  readonly json?: true
}

export async function scale(
  { name, direction }: { readonly name: string; readonly direction: Direction },
  { by, reason, key, json }: ScaleOptions,
  io: Console,
): Promise<ExitCode> {
  const call = {
    method: 'POST',
    path: pathOf(name, `/${direction}`),
    query: { by, reason },
    headers: key === undefined ? {} : { 'idempotency-key': key },
  } as const
  return await show<WireDecision>(call, { ...(json && { json }) }, io, decisionWords)
}

/** What became of it, and 1 as exit code where it was refused. Throws Error for what is no decision: nothing was done then. */
export function decisionWords(decision: WireDecision): { text: string; exitCode: ExitCode } {
  if (typeof decision.outcome !== 'string') throw new Error('it is not a decision')
  return { text: `${sentence(decision)}\n`, exitCode: refused(decision) ? 1 : 0 }
}

/** Nothing to do is no refusal, and neither is a call that was carried out before. */
function refused({ outcome, code }: WireDecision): boolean {
  return outcome === 'held' && code !== 'duplicate'
}

function sentence(decision: WireDecision): string {
  const { autoscaler, outcome, code, from, to, retryAt } = decision
  const reason = reasonAndNote(decision)
  const later = retryAt === undefined ? '' : ` (again from ${retryAt})`
  switch (outcome) {
    case 'scaled':
      return `${autoscaler}: ${from} -> ${to}: ${reason}`
    case 'dry-run':
      return `${autoscaler}: would go from ${from} to ${to}: ${reason}`
    default:
      return `${autoscaler}: ${outcome}, ${code ?? 'as it is'} at ${to}: ${reason}${later}`
  }
}
