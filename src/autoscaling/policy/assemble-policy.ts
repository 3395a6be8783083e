/** From the values in force to a typed policy. Pure. */
import { parseDuration } from '../../foundation/duration.ts'
import { type FieldLayer, pick } from './field-layer.ts'
import type { Policy } from './policy.ts'
import type { Bounds } from './policy-at.ts'
import { BOOLEAN, ON_DEPLOY, ON_FIRING, ON_RESOLVED, PAUSED, ROLLOUT, UNSCHEDULABLE } from './policy-fields.ts'
import { parseStep } from './step.ts'

const among = <T extends string>(values: readonly T[], text: string | undefined): T | undefined =>
  values.find((value) => value === text)

const PAUSE_SCOPE = { false: 'none', true: 'both', up: 'up', down: 'down' } as const

/** `undefined` when a field is malformed: then there is an error issue for it. */
export const assemblePolicy = (
  layers: readonly FieldLayer[],
  given: { readonly bounds: Bounds } & Pick<Policy, 'schedules' | 'load'>,
): Policy | undefined => {
  const text = (...names: readonly string[]) => pick(layers, ...names)?.value
  const stepUp = parseStep(text('step.up', 'step') ?? '')
  const stepDown = parseStep(text('step.down', 'step') ?? '')
  const cooldownUpMs = parseDuration(text('cooldown.up', 'cooldown') ?? '')
  const cooldownDownMs = parseDuration(text('cooldown.down', 'cooldown') ?? '')
  const rollout = among(ROLLOUT, text('rollout'))
  const unschedulable = among(UNSCHEDULABLE, text('unschedulable'))
  const paused = among(PAUSED, text('paused'))
  const dryRun = among(BOOLEAN, text('dry-run'))
  const onFiring = among(ON_FIRING, text('on-firing'))
  const onResolved = among(ON_RESOLVED, text('on-resolved'))
  const onDeploy = among(ON_DEPLOY, text('on-deploy'))
  const ttl = text('alert-ttl')
  const alertTtlMs = ttl === undefined ? undefined : parseDuration(ttl)
  if (stepUp === undefined || stepDown === undefined) return undefined
  if (cooldownUpMs === undefined || cooldownDownMs === undefined) return undefined
  if (rollout === undefined || unschedulable === undefined || paused === undefined || dryRun === undefined)
    return undefined
  if (onFiring === undefined || onResolved === undefined || onDeploy === undefined) return undefined
  if (ttl !== undefined && alertTtlMs === undefined) return undefined
  const { bounds, ...timeAndLoad } = given
  return {
    ...bounds,
    ...timeAndLoad,
    stepUp,
    stepDown,
    cooldownUpMs,
    cooldownDownMs,
    rollout,
    unschedulable,
    paused: PAUSE_SCOPE[paused],
    dryRun: dryRun === 'true',
    onFiring,
    onResolved,
    onDeploy,
    alertTtlMs,
  }
}
