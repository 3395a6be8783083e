/** What docker-scaler reads from query and body, in its order and with its messages. */
import type { Direction, Step } from '../../../autoscaling/policy/policy.ts'
import { parseStep } from '../../../autoscaling/policy/step.ts'
import { MAX_WHOLE_NUMBER } from '../../../foundation/whole-number.ts'

export type DockerScalerRequest =
  | { readonly service: string; readonly direction: Direction; readonly by?: Step }
  | { readonly refusal: string }

/** The query wins, field by field, wherever it is not empty. `body` is any JSON value. */
export function readDockerScalerRequest(query: unknown, body: unknown): DockerScalerRequest {
  const labels = record(record(body).groupLabels)
  const field = (name: string): unknown => first(record(query)[name]) || labels[name]
  const service = text(field('service'))
  const scale = text(field('scale'))
  if (service === '') return { refusal: 'No service name in request' }
  if (scale === '') return { refusal: 'No scale direction in request' }
  if (scale !== 'up' && scale !== 'down') return { refusal: 'Incorrect scale direction in request' }
  const by = readBy(field('by'))
  return { service, direction: scale, ...(by && { by }) }
}

/** `undefined`, so that the policy's step is used, for all that is no step. A text's sign is dropped; per cent is Orrery's own. */
function readBy(written: unknown): Step | undefined {
  const digits = typeof written === 'number' ? String(written) : text(written).replace(/^[+-]/, '')
  if (!/^[0-9]{1,18}$/.test(digits)) return parseStep(digits)
  return parseStep(String(Math.min(Number(digits), MAX_WHOLE_NUMBER)))
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value)

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
