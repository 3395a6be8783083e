/**
 * The controller's loop: plans on every change and every few seconds, and takes what is due, one step at a time. Several
 * controllers do the same at once; every write is refused by the Swarm when another wrote first.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../foundation/clock.ts'
import { messageOf } from '../../foundation/errors.ts'
import type { Logger } from '../../foundation/logger.ts'
import { createWakeableTimer, pauseFor } from '../../foundation/wakeable-timer.ts'
import type { AgentNews } from '../../swarm/ports.ts'
import type { WriteResult } from '../../swarm/write-result.ts'
import type { ClusterPlan, PlanMode } from '../plan/words.ts'
import type { Definitions } from '../ports.ts'
import { tellProblems } from './log-problems.ts'
import type { BootstrapSwarm, Observer } from './observe.ts'
import { isDue, stepsOf, takeStep, type WritingStep } from './steps.ts'

export interface NetworkKeeperDeps {
  readonly swarm: BootstrapSwarm
  readonly observer: Observer
  readonly definitions: Definitions
  readonly reports: AgentNews
  readonly mode: Exclude<PlanMode, 'apply'>
  /** Plans and says what it would do, and does nothing. */
  readonly dryRun: boolean
  /** After each step that was taken here. */
  readonly onStep: (step: WritingStep) => void
  readonly logger: Logger
  readonly now: Clock
}

export interface NetworkKeeper {
  /** As last planned; absent: not yet. */
  plan(): ClusterPlan | undefined
  /** Returns when the signal is aborted; never throws. */
  run(signal: AbortSignal): Promise<void>
}

const LOOK_EVERY_MS = 5_000
/** News come in swarms; and planning takes at most a fifth of the time. */
const SETTLE_MS = 50
const REST_FACTOR = 4
/** A step that failed is not tried again at once. */
const RETRY_MS = 5_000
const MAX_STEPS_IN_A_ROW = 5_000
/** Controllers that hear the same news do not all write at the same moment. */
const SPREAD_MS = 100

export function createNetworkKeeper(deps: NetworkKeeperDeps): NetworkKeeper {
  const { swarm, observer, definitions, reports, mode, dryRun, onStep, logger, now } = deps
  const tell = tellProblems(logger)
  /** Until when what failed is left alone. */
  const resting = new Map<string, number>()
  let current: ClusterPlan | undefined
  let lastFailure = ''

  const isIdle = () =>
    swarm.records.all().size === 0 && swarm.records.unreadable().size === 0 && definitions.current().files.length === 0

  const look = async (): Promise<readonly WritingStep[]> => {
    current = await observer.plan({ mode, allowDrain: false, isBrief: true })
    tell(current)
    for (const [key, untilMs] of resting) if (untilMs <= now()) resting.delete(key)
    return stepsOf(current)
      .filter(isDue)
      .filter((step) => !resting.has(keyOf(step)))
  }

  const take = async (step: WritingStep): Promise<WriteResult['kind']> => {
    const { network, node, do: what, text } = step
    const fields = { network, ...(node === undefined ? {} : { node: node.hostname, nodeId: node.id }), step: what }
    const result = await takeStep(swarm, step)
    if (result.kind === 'committed') {
      logger.info({ event: 'network-step', ...fields }, `${network}: ${text}`)
      onStep(step)
    } else if ('message' in result) {
      resting.set(keyOf(step), now() + RETRY_MS)
      logger.warn(
        { event: 'network-step-failed', ...fields, kind: result.kind },
        `${network}: ${text}: ${result.message}`,
      )
    }
    return result.kind
  }

  /** What this very engine has is looked at once more before the swarm network is made. */
  const stillDue = async (step: WritingStep): Promise<boolean> => {
    if (step.do !== 'create-network') return true
    await swarm.networks.read()
    return (await look()).some((one) => keyOf(one) === keyOf(step))
  }

  const round = async (signal: AbortSignal) => {
    for (let taken = 0; taken < MAX_STEPS_IN_A_ROW && !signal.aborted; taken += 1) {
      const steps = await look()
      const [first] = steps
      if (first === undefined || dryRun) return
      if (taken === 0) await sleep(Math.random() * SPREAD_MS)
      // Labels that are only added depend on nothing but their own node, whose version is compared.
      const harmless = steps.filter(isLabelling)
      for (const step of harmless.length > 0 && isLabelling(first) ? harmless : [first]) {
        if (signal.aborted || !swarm.nodes.sync().inSync) return
        // Somebody else was faster, and may be at the next step too.
        if ((await stillDue(step)) && (await take(step)) === 'conflict') await sleep(Math.random() * SPREAD_MS)
      }
    }
  }

  return {
    plan: () => current,
    async run(signal) {
      const { wake, pause } = createWakeableTimer()
      const stops = [
        definitions.onChange(wake),
        reports.onNews(wake),
        swarm.nodes.onChange(wake),
        swarm.tasks.onChange(() => isWaitingForTasks(current) && wake()),
        swarm.records.onChange(wake),
        swarm.networks.onChange(wake),
      ]
      while (!signal.aborted) {
        const startedAt = performance.now()
        if (isIdle()) {
          if (current !== undefined) tell(NOTHING)
          current = undefined
        } else if (swarm.nodes.sync().inSync) {
          try {
            await round(signal)
            lastFailure = ''
          } catch (error) {
            const reason = messageOf(error)
            if (reason !== lastFailure) logger.warn({ event: 'network-plan-failed', err: error }, reason)
            lastFailure = reason
          }
        }
        const restMs = Math.max((performance.now() - startedAt) * REST_FACTOR, SETTLE_MS)
        // Aborted: the loop ends.
        await pauseFor(Math.min(restMs, LOOK_EVERY_MS), signal)
        await pause(LOOK_EVERY_MS, signal)
      }
      for (const stop of stops) stop()
    },
  }
}

const NOTHING: ClusterPlan = { networks: [], problems: [] }

const keyOf = ({ network, node, do: what, text }: WritingStep): string => [network, node?.id, what, text].join('\n')

const isLabelling = (step: WritingStep): boolean =>
  step.do === 'write-node' &&
  step.write.availability === undefined &&
  Object.values(step.write.labels ?? {}).every((value) => value !== null)

const isWaitingForTasks = (plan: ClusterPlan | undefined): boolean =>
  plan !== undefined && stepsOf(plan).some(({ waitsFor }) => waitsFor !== undefined)
