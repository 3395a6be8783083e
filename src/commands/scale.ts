/** `orrery up` and `orrery down`: one step, answered with a sentence or the decision as JSON. */
import type { Direction } from '../autoscaling/policy/policy.ts'
import type { WireDecision } from '../http/wire/decision.ts'
import type { Console, ExitCode } from './console.ts'
import { callController, problemText } from './controller-client.ts'

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
  const answer = await callController(io, {
    method: 'POST',
    path: `/v1/autoscaler/${encodeURIComponent(name)}/${direction}`,
    query: { by, reason },
    headers: key === undefined ? {} : { 'idempotency-key': key },
  })
  if (answer.status !== 200) {
    if (json) io.out(`${answer.text}\n`)
    io.err(`orrery: ${problemText(answer)}\n`)
    return 1
  }
  const decision: WireDecision = JSON.parse(answer.text)
  io.out(json ? `${answer.text}\n` : `${sentence(decision)}\n`)
  return refused(decision) ? 1 : 0
}

/** Nothing to do is no refusal, and neither is a call that was carried out before. */
function refused({ outcome, code }: WireDecision): boolean {
  return outcome === 'held' && code !== 'duplicate'
}

function sentence({ autoscaler, outcome, code, reason, from, to, retryAt }: WireDecision): string {
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
