/**
 * Takes a plan's steps one at a time, reads and plans again after each, and waits for what others do: agents, Swarm,
 * controllers. Whatever ends it, the next run goes on from what is there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../foundation/clock.ts'
import { messageOf } from '../../foundation/errors.ts'
import { createWakeableTimer } from '../../foundation/wakeable-timer.ts'
import type { AgentReports } from '../../swarm/ports.ts'
import type { ClusterPlan, PlanOptions, PlanProblemCode, Step } from '../plan/words.ts'
import { type BootstrapSwarm, type Observer, onSwarmChange } from './observe.ts'
import { type ChangeResult, createProgressReporter, type OnProgress, type Patience } from './progress.ts'
import {
  firstDue,
  isDue,
  keyOfStep,
  leftOf,
  problemsOf,
  stepsOf,
  takeStep,
  textOfStep,
  type WritingStep,
} from './steps.ts'

export interface ReconcilerDeps {
  readonly swarm: BootstrapSwarm
  readonly observer: Observer
  readonly reports: Pick<AgentReports, 'onChange'>
  readonly now: Clock
}

export interface ReconcileWish extends Omit<PlanOptions, 'nowMs'>, Patience {
  /** One network; absent: all of them. */
  readonly network?: string
  /** Looked at before each step; true ends it as done. */
  readonly isDone?: (plan: ClusterPlan) => boolean
}

export interface Reconciler {
  /** Throws as `Observer.plan`, before the first step; later that is a failure. */
  reconcile(wish: ReconcileWish, onProgress: OnProgress): Promise<ChangeResult>
}

const PATIENCE_MS = 120_000
/** Where everything that is left waits for a person: an agent looks again every few seconds, and may have been too early. */
const STUCK_PATIENCE_MS = 15_000
const LOOK_EVERY_MS = 1_000
/** News come in swarms. */
const SETTLE_MS = 50
const MAX_CONFLICTS = 20

/** What is told, and is no reason to do nothing. */
const HARMLESS: ReadonlySet<PlanProblemCode> = new Set(['orphaned'])

export function createReconciler({ swarm, observer, reports, now }: ReconcilerDeps): Reconciler {
  const reconcile = async (wish: ReconcileWish, onProgress: OnProgress): Promise<ChangeResult> => {
    const { mode, allowDrain, network, signal, isDone, patienceMs = PATIENCE_MS } = wish
    const look = async (): Promise<ClusterPlan> => only(await observer.plan({ mode, allowDrain }), network)
    const done: string[] = []
    const tell = createProgressReporter(onProgress)
    let plan = await look()
    const end = (outcome: ChangeResult['outcome'], reason = ''): ChangeResult => ({
      ...{ outcome, reason, done, plan },
      left: leftOf(plan),
      problems: problemsOf(plan),
    })

    // All of what was asked, or nothing: a person is there to mend it.
    const problems = problemsOf(plan).filter(({ code }) => !HARMLESS.has(code))
    if (mode === 'apply' && problems.length > 0)
      return end('refused', problems.map(({ message }) => message).join('\n'))
    if (stepsOf(plan).length === 0) return end('unchanged')

    const { wake, pause } = createWakeableTimer()
    /** What these steps are about is gone and still shown, as engines do for a moment: others come first. */
    const gone = new Set<string>()
    const withoutGone = (steps: readonly Step[]) => steps.filter((step) => !gone.has(keyOfStep(step)))
    const stops = [onSwarmChange(swarm, wake), reports.onChange(wake)]
    try {
      let changedAtMs = now()
      let lastLeft = ''
      for (let conflicts = 0; ; ) {
        if (signal?.aborted) return end('waiting', 'It was cancelled.')
        if (isDone?.(plan) === true) return end('done')
        const steps = stepsOf(plan)
        tell.outstanding(steps, !steps.some(isDue))
        if (steps.length === 0) return end('done')
        const step = await firstDue(withoutGone(steps), swarm, lookAgain)
        if (step !== undefined) {
          const failure = await take(step)
          if (failure === 'gone') {
            gone.add(keyOfStep(step))
            plan = await look()
            continue
          }
          if (failure === 'conflict') conflicts += 1
          else if (failure !== undefined) return end('failed', failure)
          else conflicts = 0
          if (conflicts >= MAX_CONFLICTS) {
            return end(
              'failed',
              `${textOfStep(step)}: others changed it at the same time, ${conflicts} times in a row.`,
            )
          }
        }
        const left = leftOf(plan).join('\n')
        if (left !== lastLeft || step !== undefined) changedAtMs = now()
        lastLeft = left
        const untilMs = isStuck(plan) ? Math.min(patienceMs, STUCK_PATIENCE_MS) : patienceMs
        if (now() - changedAtMs >= untilMs) {
          return end('waiting', `Nothing has changed for ${Math.round(untilMs / 1000)} s: ${leftOf(plan).join('; ')}`)
        }
        if (step === undefined) {
          await pause(LOOK_EVERY_MS, signal)
          await sleep(SETTLE_MS)
          gone.clear()
        }
        plan = await look()
      }
    } catch (error) {
      return end('failed', messageOf(error))
    } finally {
      for (const stop of stops) stop()
    }

    async function lookAgain(): Promise<readonly Step[]> {
      plan = await look()
      return withoutGone(stepsOf(plan))
    }

    async function take(step: WritingStep): Promise<string | undefined> {
      const text = textOfStep(step)
      tell.begun(step)
      const result = await takeStep(swarm, step)
      switch (result.kind) {
        case 'committed':
          done.push(text)
          tell.done(step)
          return undefined
        case 'conflict':
        case 'gone':
          return result.kind
        case 'rejected':
        case 'unsent':
        case 'unknown':
          tell.failed(step, result.message)
          return `${text}: ${result.message}`
        default:
          return result satisfies never
      }
    }
  }

  return { reconcile }
}

/** All that is waited for is stuck. */
const isStuck = (plan: ClusterPlan): boolean => {
  const steps = stepsOf(plan)
  const isStuck = (step: Step) => step.isStuck === true
  return steps.some(isStuck) && steps.every((step) => step.do !== 'wait' || isStuck(step))
}

const only = (plan: ClusterPlan, network: string | undefined): ClusterPlan =>
  network === undefined ? plan : { ...plan, networks: plan.networks.filter(({ name }) => name === network) }
