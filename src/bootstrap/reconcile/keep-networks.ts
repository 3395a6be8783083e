/**
 * The controller's loop: plans on every change and every few seconds, and takes what is due, one step at a time. Several
 * controllers do the same at once; every write is refused by the Swarm when another wrote first. Other than a command's
 * (reconcile.ts) it has no end, and nobody to ask: what failed is left alone for a while, the rest goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../foundation/clock.ts'
import { createFailureLog, createOnceLog } from '../../foundation/log-once.ts'
import type { Logger } from '../../foundation/logger.ts'
import { createWakeableTimer, pauseFor } from '../../foundation/wakeable-timer.ts'
import type { AgentNews } from '../../swarm/ports.ts'
import type { WriteResult } from '../../swarm/write-result.ts'
import type { ClusterPlan, PlanMode, PlanProblem } from '../plan/words.ts'
import type { Definitions } from '../ports.ts'
import { type BootstrapSwarm, type Observer, onSwarmChange } from './observe.ts'
import { firstDue, isDue, keyOfStep, problemsOf, stepsOf, takeStep, type WritingStep } from './steps.ts'

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
/** News come in swarms; and planning takes at most a tenth of the time. */
const SETTLE_MS = 100
const REST_FACTOR = 9
/** A step that failed is not tried again at once. */
const RETRY_MS = 5_000
const MAX_STEPS_IN_A_ROW = 5_000
/** Controllers that hear the same news do not all write at the same moment. */
const SPREAD_MS = 100

export function createNetworkKeeper(deps: NetworkKeeperDeps): NetworkKeeper {
  const { swarm, observer, definitions, reports, mode, dryRun, onStep, logger, now } = deps
  const tell = logProblems(logger)
  /** Until when what failed is left alone. */
  const resting = new Map<string, number>()
  let current: ClusterPlan | undefined
  const failures = createFailureLog((reason, err) => logger.warn({ event: 'network-plan-failed', err }, reason))

  const isIdle = () =>
    swarm.records.all().size === 0 && swarm.records.unreadable().size === 0 && definitions.current().files.length === 0

  const look = async (): Promise<readonly WritingStep[]> => {
    current = await observer.plan({ mode, allowDrain: false, isBrief: true })
    tell(current)
    for (const [key, untilMs] of resting) if (untilMs <= now()) resting.delete(key)
    return stepsOf(current)
      .filter(isDue)
      .filter((step) => !resting.has(keyOfStep(step)))
  }

  const take = async (step: WritingStep): Promise<WriteResult['kind']> => {
    const { network, node, do: what, text } = step
    const fields = { network, ...(node === undefined ? {} : { node: node.hostname, nodeId: node.id }), step: what }
    const result = await takeStep(swarm, step)
    if (result.kind === 'committed') {
      logger.info({ event: 'network-step', ...fields }, `${network}: ${text}`)
      onStep(step)
    } else if ('message' in result) {
      resting.set(keyOfStep(step), now() + RETRY_MS)
      logger.warn(
        { event: 'network-step-failed', ...fields, kind: result.kind },
        `${network}: ${text}: ${result.message}`,
      )
    } else if (result.kind === 'gone') {
      // And still shown: an engine lets go of a network some time after Swarm does.
      resting.set(keyOfStep(step), now() + RETRY_MS)
    }
    return result.kind
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
        const due = await firstDue([step], swarm, look)
        // Somebody else was faster, and may be at the next step too.
        if (due !== undefined && (await take(due)) === 'conflict') await sleep(Math.random() * SPREAD_MS)
      }
    }
  }

  return {
    plan: () => current,
    async run(signal) {
      const { wake, pause } = createWakeableTimer()
      // Tasks change all the time, and mostly no step waits for one.
      const areTasksNews = () => isWaitingForTasks(current)
      const stops = [definitions.onChange(wake), reports.onNews(wake), onSwarmChange(swarm, wake, areTasksNews)]
      while (!signal.aborted) {
        const startedAt = performance.now()
        if (isIdle()) {
          if (current !== undefined) tell(NOTHING)
          current = undefined
        } else if (swarm.nodes.sync().inSync) {
          try {
            await round(signal)
            failures.succeeded()
          } catch (error) {
            failures.failed(error)
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

const isLabelling = (step: WritingStep): boolean =>
  step.do === 'write-node' &&
  step.write.availability === undefined &&
  Object.values(step.write.labels ?? {}).every((value) => value !== null)

const isWaitingForTasks = (plan: ClusterPlan | undefined): boolean =>
  plan !== undefined && stepsOf(plan).some(({ waitsFor }) => waitsFor !== undefined)

/** Says once what stands in the way of networks, and that it no longer does. */
function logProblems(logger: Logger): (plan: ClusterPlan) => void {
  const log = createOnceLog<PlanProblem>({
    keyOf: ({ network, node, code, message }) => [network, node?.id, code, message].join('\n'),
    begun: (problem) => logger.warn({ event: 'network-problem', ...fieldsOf(problem) }, sentence(problem)),
    over: (problem) =>
      logger.info({ event: 'network-problem-over', ...fieldsOf(problem) }, `resolved: ${sentence(problem)}`),
  })
  return (plan) => log(problemsOf(plan))
}

const fieldsOf = ({ network, node, code }: PlanProblem) => ({
  code,
  ...(network === undefined ? {} : { network }),
  ...(node === undefined ? {} : { node: node.hostname, nodeId: node.id }),
})

const sentence = ({ network, message }: PlanProblem): string =>
  network === undefined ? message : `${network}: ${message}`
