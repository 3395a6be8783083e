/** `orrery network apply`, `adopt`, `release` and `remove`: a change with its progress, and what came of it. */
import type { ChangeResult, OnProgress, Patience, Progress } from '../../bootstrap/reconcile/progress.ts'
import { refused } from '../../bootstrap/reconcile/remove.ts'
import { parseDuration } from '../../foundation/duration.ts'
import { visibleText } from '../../foundation/visible-text.ts'
import type { Console, ExitCode } from '../console.ts'
import { planJson, problemJson } from './plan.ts'
import { areUsable, count, isRefusal, problemLine, unheardLine } from './problems.ts'
import type { NetworkSession } from './session.ts'

export interface ChangeOptions {
  readonly json?: true
  /** A duration. */
  readonly timeout?: string
}

export interface ApplyOptions extends ChangeOptions {
  readonly allowDrain?: true
}

export async function networkApply(session: NetworkSession, options: ApplyOptions, io: Console): Promise<ExitCode> {
  if (!areUsable(session.definitions, io)) return 1
  const wish = { mode: 'apply', allowDrain: options.allowDrain === true } as const
  return await change(session, options, io, (patience, tell) => session.bootstrap.apply({ ...wish, ...patience }, tell))
}

export async function networkAdopt(
  session: NetworkSession,
  { network, ...options }: ChangeOptions & { readonly network: string },
  io: Console,
): Promise<ExitCode> {
  if (!areUsable(session.definitions, io)) return 1
  return await change(session, options, io, (patience, tell) => session.bootstrap.adopt({ network, ...patience }, tell))
}

/** What is active is taken away whether the definitions can be read or not, and only for good. */
export async function networkRemove(
  session: NetworkSession,
  { network, ...options }: ChangeOptions & { readonly network: string },
  io: Console,
): Promise<ExitCode> {
  const { bootstrap, definitions, isAuto } = session
  const file = definitions.files.find((one) => (one.definition?.name ?? one.name) === network)?.file
  const again = `${file} still defines ${network}, and with ORRERY_NETWORK_AUTO=true a controller makes it again at once`
  const code = await change(session, options, io, async (patience, tell) => {
    if (file === undefined || !isAuto) return await bootstrap.remove({ network, ...patience }, tell)
    const message = `${again}: remove that definition from every controller first.`
    const plan = await bootstrap.plan({ mode: 'keep', allowDrain: false })
    return refused(plan, { network, code: 'definition-conflict', message })
  })
  if (file !== undefined && !isAuto && code === 0) io.err(`${visibleText(`orrery: warning: ${again}`)}\n`)
  return code
}

/** No agent has a part in it. */
export async function networkRelease(
  session: NetworkSession,
  { network, range, ...options }: ChangeOptions & { readonly network: string; readonly range: string },
  io: Console,
): Promise<ExitCode> {
  const told: NetworkSession = { ...session, unheard: () => undefined }
  return await change(told, options, io, (_patience, tell) => session.bootstrap.release({ network, range }, tell))
}

type Run = (patience: Patience, tell: OnProgress) => Promise<ChangeResult>

/** Where nobody tells agents what is wanted, waiting for them is idle: only long enough for what Swarm does. */
const ALONE_PATIENCE_MS = 3000

async function change(
  session: NetworkSession,
  { json, timeout }: ChangeOptions,
  io: Console,
  run: Run,
): Promise<ExitCode> {
  const unheard = session.unheard()
  const say = json ? io.err : io.out
  if (unheard !== undefined) say(`${unheardLine(unheard)}\n`)
  const isAlone = unheard !== undefined && !unheard.isThere
  const patienceMs = isAlone ? ALONE_PATIENCE_MS : timeoutMs(timeout)
  const result = await run(patienceMs === undefined ? {} : { patienceMs }, (progress) => say(progressLine(progress)))
  // Asked again: a controller may have come or gone meanwhile.
  const isStillAlone = session.unheard()?.isThere === false
  if (json) io.out(`${JSON.stringify(resultJson(result))}\n`)
  say(summary(result, isStillAlone))
  const isFine = result.outcome === 'unchanged' || result.outcome === 'done'
  return isFine && !result.problems.some(isRefusal) ? 0 : 1
}

function timeoutMs(timeout: string | undefined): number | undefined {
  return timeout === undefined ? undefined : parseDuration(timeout)
}

/** A step that begins is told when it is done: most take some ms. */
function progressLine({ network, node, state, text }: Progress): string {
  if (state === 'begun') return ''
  return `${visibleText(`${[network, node].filter(Boolean).join(' ')}: ${state}: ${text}`)}\n`
}

function summary({ outcome, reason, done, left, problems }: ChangeResult, isAlone: boolean): string {
  // Of what was refused, everything is left.
  const leftHere = outcome === 'refused' ? [] : left
  return [
    HEADLINES[outcome](done.length, unsaid(reason, leftHere, problems))
      .split('\n')
      .map(visibleText)
      .join('\n  '),
    ...leftHere.map((text) => `  left: ${visibleText(text)}`),
    ...problems.map((problem) => `  ! ${problemLine(problem)}`),
    ...(isAlone && outcome === 'waiting' ? [NO_CONTROLLER] : []),
    '',
  ].join('\n')
}

/** Without what the lines below it say: it may be the problems one by one, and may end in what is left. */
function unsaid(reason: string, left: readonly string[], problems: ChangeResult['problems']): string {
  if (reason.split('\n').every((line) => problems.some(({ message }) => message === line))) return ''
  const end = left.join('; ')
  return end !== '' && reason.endsWith(end) ? reason.slice(0, -end.length).replace(/[:\s]+$/, '') : reason
}

const because = (reason: string): string => (reason === '' ? '.' : `: ${reason.replace(/\.$/, '')}.`)

const HEADLINES: Readonly<Record<ChangeResult['outcome'], (done: number, reason: string) => string>> = {
  unchanged: (_done, reason) => `Nothing to do${because(reason || 'everything matches the definition')}`,
  done: (done) => `Done: ${count(done, 'step')}, and everything matches the definition.`,
  refused: (_done, reason) => `Refused, nothing was touched${because(reason)}`,
  failed: (done, reason) => `Failed after ${count(done, 'step')}${because(reason)}`,
  waiting: (done, reason) =>
    `${count(done, 'step')} done; what is left others have not done yet${because(reason)} Run it again at any time: it goes on from here.`,
}

const NO_CONTROLLER =
  'Agents get the wanted state from a controller, and none answers: start one (`orrery serve`). Nothing is half done, and the next run goes on from here.'

const resultJson = ({ outcome, reason, done, left, problems, plan }: ChangeResult) => ({
  outcome,
  reason,
  done,
  left,
  problems: problems.map(problemJson),
  plan: planJson(plan),
})
