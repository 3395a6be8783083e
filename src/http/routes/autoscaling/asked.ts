/** What callers may ask with, as schemas, and how it is read into the words of the domain. */
import { createHash } from 'node:crypto'
import { type Static, Type } from '@sinclair/typebox'
import type { RequestKey } from '../../../autoscaling/decision/request.ts'
import type { Direction, Step } from '../../../autoscaling/policy/policy.ts'
import { parseStep } from '../../../autoscaling/policy/step.ts'
import { parseDuration } from '../../../foundation/duration.ts'
import { MAX_WHOLE_NUMBER } from '../../../foundation/whole-number.ts'
import { HttpProblem } from '../../problem.ts'
import { oneOf } from '../schemas.ts'

const BY_EXPECTS = 'a whole number from 1 to 1000000000, or per cent such as "25%"'
const MAX_REASON_LENGTH = 500

const ByText = Type.String({ pattern: '^[0-9]{1,10}%?$', expects: BY_EXPECTS, examples: ['2', '25%'] })
const By = Type.Union([Type.Integer({ minimum: 1, maximum: MAX_WHOLE_NUMBER }), ByText], {
  expects: BY_EXPECTS,
  description: 'How far: replicas, or per cent of the current count. Without it, the step of the policy.',
})
const Reason = Type.String({
  expects: 'a text',
  description: `Why, in words; its first ${MAX_REASON_LENGTH} characters are kept with the decision and in the log.`,
})
const COUNT_EXPECTS = 'a whole number from 0 to 1000000000'
const count = (description: string) =>
  Type.Integer({ minimum: 0, maximum: MAX_WHOLE_NUMBER, expects: COUNT_EXPECTS, description })
/** The same in a query. */
const countText = (description: string) =>
  Type.String({ pattern: '^(0|[1-9][0-9]{0,8}|1000000000)$', expects: COUNT_EXPECTS, description })

const WANTED = 'The wanted count, before the bounds.'
const SEEN = 'The count that you saw; if it is another one by now, nothing is changed: 409 `count-changed`.'

/** No field of another name: it would be ignored, and something else done than was asked for. */
const EXACT = { additionalProperties: false }

/** What is sure to be meant otherwise is refused rather than ignored: another direction, or a count. */
const otherThanStep = (towards: Direction) => ({
  direction: Type.Optional(
    Type.Literal(towards, { expects: `"${towards}", as the path says`, description: 'As the path.' }),
  ),
  replicas: Type.Optional(
    Type.Never({
      expects: 'absent here; PUT /v1/autoscaler/<name>/replicas sets a count',
      description: 'Not here.',
    }),
  ),
})
export const stepQuery = (towards: Direction) =>
  Type.Object({ by: Type.Optional(ByText), reason: Type.Optional(Reason), ...otherThanStep(towards) })
export const stepBody = (towards: Direction) =>
  Type.Object(
    { by: Type.Optional(By), reason: Type.Optional(Reason), ...otherThanStep(towards) },
    { description: 'A step, or the notification of Alertmanager or Grafana as it is.' },
  )

/** Its fields are the body's alone. */
export const NoQuery = Type.Object({}, EXACT)
export const ReplicasBody = Type.Object(
  { replicas: count(WANTED), reason: Type.Optional(Reason), expect: Type.Optional(count(SEEN)) },
  EXACT,
)

const PauseDirection = oneOf(['up', 'down', 'both'], 'Which way; without it, both.')
const FOR = {
  expects: 'a duration such as "30s", "5m" or "1h", or a whole number of seconds',
  description: 'How long; without it, until resumed.',
}
/** As query and as body. */
export const Resume = Type.Object({ direction: Type.Optional(PauseDirection) }, EXACT)
export const PauseQuery = Type.Object(
  {
    reason: Type.Optional(Reason),
    direction: Type.Optional(PauseDirection),
    for: Type.Optional(Type.String(FOR)),
  },
  EXACT,
)
export const PauseBody = Type.Object(
  {
    reason: Type.Optional(Reason),
    direction: Type.Optional(PauseDirection),
    for: Type.Optional(Type.Union([Type.String(), Type.Integer({ minimum: 1, maximum: MAX_WHOLE_NUMBER })], FOR)),
  },
  EXACT,
)

const ExplainDirection = oneOf(['up', 'down'], 'Without it and without `replicas`: up.')
export const ExplainQuery = Type.Object(
  {
    direction: Type.Optional(ExplainDirection),
    by: Type.Optional(ByText),
    replicas: Type.Optional(countText(WANTED)),
  },
  EXACT,
)
export const ExplainBody = Type.Object(
  {
    direction: Type.Optional(ExplainDirection),
    by: Type.Optional(By),
    replicas: Type.Optional(count(WANTED)),
    metrics: Type.Optional(
      Type.Record(Type.String({ maxLength: 63 }), Type.Union([Type.Number(), Type.String({ maxLength: 40 })]), {
        maxProperties: 100,
        expects: 'values by the names of metrics: {"rps": 120, "cpu": 85}',
        description:
          'As if these had just been measured (per cent for `cpu` and `memory`); the others as last measured.',
      }),
    ),
  },
  EXACT,
)

type StepFields = Pick<Static<ReturnType<typeof stepBody>>, 'by' | 'reason'>

/** Query and body together; the query wins, field by field. Throws HttpProblem `invalid-value`. */
export function readStep(query: StepFields, body: StepFields): { readonly by?: Step; readonly note?: string } {
  const by = readBy(query.by ?? body.by)
  const note = readReason(query.reason ?? body.reason)
  return { ...(by && { by }), ...(note && { note }) }
}

/** As `readStep`. */
export function readPause(query: Static<typeof PauseQuery>, body: Static<typeof PauseBody>) {
  const { direction = 'both', reason, for: length } = { ...body, ...query }
  const words = readReason(reason)
  return { scope: direction, forMs: readFor(length), ...(words && { reason: words }) }
}

export const numberOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text)

/** Cut, so that whoever has much to say is heard all the same. */
export function readReason(text: string | undefined): string | undefined {
  const reason = text?.trim()
  if (reason === undefined || reason.length <= MAX_REASON_LENGTH) return reason
  return `${Array.from(reason)
    .slice(0, MAX_REASON_LENGTH - 1)
    .join('')}…`
}

/** Throws HttpProblem `invalid-value`. */
export function readBy(written: string | number | undefined): Step | undefined {
  if (written === undefined) return undefined
  const step = parseStep(String(written))
  if (step !== undefined) return step
  throw new HttpProblem('invalid-value', `by is ${JSON.stringify(written)}; it must be ${BY_EXPECTS} (at most 10000%).`)
}

/** Ms. */
function readFor(written: string | number | undefined): number | undefined {
  if (written === undefined) return undefined
  const durationMs = parseDuration(String(written))
  if (durationMs !== undefined && durationMs > 0) return durationMs
  throw new HttpProblem(
    'invalid-value',
    `for is ${JSON.stringify(written)}; it must be a duration such as "30s", "5m" or "1h", or a whole number of seconds, above 0.`,
  )
}

/** A key is remembered hashed, so that the state label holds no text of a caller. */
const MAX_KEY_LENGTH = 255

export const IdempotencyHeader = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ description: 'New for every request; the same key again is the same step, once.' }),
  ),
})

export interface Keyed {
  readonly autoscaler: string
  /** What is asked, in one canonical form: `up:`, `up:25%`, `set:4`. One key is one wish. */
  readonly wish: string
}

/** 64 bits of key and autoscaler and 12 bits of the wish. A newline can be in neither a header nor a name. */
function hashKey(key: string, { autoscaler, wish }: Keyed): RequestKey {
  const sha256 = (text: string) => createHash('sha256').update(text).digest()
  return {
    hash: sha256(`${autoscaler}\n${key}`).subarray(0, 8).toString('base64url'),
    wish: sha256(wish).toString('base64url').slice(0, 2),
  }
}

/** `undefined` without the header. Throws HttpProblem `invalid-value` for a blank or overlong one. */
export function readIdempotencyKey(header: string | string[] | undefined, keyed: Keyed): RequestKey | undefined {
  if (header === undefined) return undefined
  const key = Array.isArray(header) ? header.join(', ') : header
  if (key.trim() !== '' && key.length <= MAX_KEY_LENGTH) return hashKey(key, keyed)
  const what = key.trim() === '' ? 'is blank' : `is longer than ${MAX_KEY_LENGTH} characters`
  throw new HttpProblem(
    'invalid-value',
    `Header Idempotency-Key ${what}; send a text that is new for every request, such as a UUID.`,
  )
}
