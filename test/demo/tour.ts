/** A tour of calls and their answers, each really made and checked. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { WireAutoscaler } from '../../src/http/wire/autoscaler.ts'
import type { WireDecision } from '../../src/http/wire/decision.ts'
import { type Call, type Guide, Surprise } from './guide.ts'

export type TourDeps = {
  guide: Guide
  /** Heading and sentence of the next step. */
  step: (title: string, text: string) => void
  /** Of something that takes a while. */
  progress: (text: string) => void
  signal: AbortSignal
}

const SERVICE = 'demo_web'
/** Of a decision, what the tour has not shown before. */
const short = ['outcome', 'code', 'reason', 'from', 'to', 'wanted', 'limits', 'retryAt']
const PATH = `/v1/autoscaler/${SERVICE}`
export const deployCommand = ['stack', 'deploy', '--resolve-image', 'never', '-c', 'test/demo/web.yml', 'demo']

/** Throws a Surprise when an answer is not as it should be. */
export async function giveTour(deps: TourDeps): Promise<void> {
  await steps(deps)
  await explained(deps)
  await counts(deps)
  await deployedAgain(deps)
  await labelEdited(deps)
  await sameKeyTwice(deps)
  await paused(deps)
  await alerted(deps)
  await mistaken(deps)
  await proven(deps)
}

async function steps({ guide, step, signal }: TourDeps) {
  await until(signal, 'the controller sees the service', async () => (await read(guide)).name === SERVICE)
  step('Which autoscalers are there?', 'Every service with autoscaler.enable=true, and how it is with each.')
  const table = await guide.orrery('ls')
  if (!table.includes(SERVICE)) throw new Surprise(`${SERVICE} is not in the list`)

  step('One step up', 'A monitoring tool, or a person, asks for more. The answer says what was done, and why.')
  const first = await guide.curl<WireDecision>({ method: 'POST', path: `${PATH}/up` })
  guide.expect(first, { outcome: 'scaled', from: 4, to: 5 })

  step('Again at once', 'The policy has a cooldown of 5 s. Held is not an error: it says why, and when to ask again.')
  await decide(guide, { path: `${PATH}/up` }, { outcome: 'held', code: 'cooldown', from: 5, to: 5 })
}

async function explained({ guide, step, progress, signal }: TourDeps) {
  step('What would happen?', 'explain goes through the same stages, shows each, and writes nothing.')
  const explained = await guide.curl<WireDecision>({
    ...{ method: 'POST', path: `${PATH}/explain`, body: '{"direction":"up","by":"25%"}' },
    show: ['outcome', 'code', 'from', 'to', 'stages'],
  })
  guide.expect(explained, { outcome: 'held', code: 'cooldown' })

  step('Up by 25 %', 'Per cent of the current count; up rounds up.')
  progress('waiting for the end of the cooldown')
  await until(signal, 'the cooldown is over', async () => (await read(guide)).nextAllowed.up === undefined)
  await decide(guide, { path: `${PATH}/up?by=25%25&reason=sale` }, { outcome: 'scaled', from: 5, to: 7 })
}

async function counts({ guide, step }: TourDeps) {
  step('A count', 'A person sets 50, and does not wait for a cooldown. The bounds hold all the same: max is 10.')
  const call = { method: 'PUT' as const, path: `${PATH}/replicas`, body: '{"replicas":50}' }
  await decide(guide, call, { outcome: 'scaled', from: 7, to: 10, wanted: 50 })
}

async function deployedAgain({ guide, step, signal }: TourDeps) {
  step(
    'Deploy again',
    'The stack file still says 4 replicas, so each deploy resets the count. It comes back by itself.',
  )
  await guide.docker(...deployCommand)
  const restored = async () => {
    const { lastDecision, observation } = await read(guide)
    return observation.replicas === 10 && lastDecision?.from === 4
  }
  await until(signal, 'the count comes back', restored)
  const after = await guide.curl<WireAutoscaler>({
    ...{ path: PATH, show: ['name', 'observation.replicas', 'state', 'lastDecision'] },
  })
  guide.expect(after.lastDecision, { outcome: 'scaled', from: 4, to: 10 })
}

async function labelEdited({ guide, step, signal }: TourDeps) {
  step('Edit the policy', 'Labels are active within a second, without a restart of anything.')
  const labels = ['autoscaler.max=12', 'autoscaler.cooldown=0'].flatMap((label) => ['--label-add', label])
  await guide.docker('service', 'update', '--detach', ...labels, SERVICE)
  await until(signal, 'the labels are active', async () => (await read(guide)).policy.max?.value === '12')
  const show = ['name', 'policy.max', 'policy.min', 'policy.cooldown', 'policy.step', 'issues', 'nextAllowed']
  await guide.curl<WireAutoscaler>({ path: PATH, show })
  await decide(guide, { path: `${PATH}/up?by=5` }, { outcome: 'scaled', from: 10, to: 12 })

  step('At the maximum', 'Nothing to do, and no write to the engine: unchanged.')
  await decide(guide, { path: `${PATH}/up` }, { outcome: 'unchanged', code: 'at-max', from: 12, to: 12 })
}

async function sameKeyTwice({ guide, step }: TourDeps) {
  step(
    'Repeat safely',
    'An answer was lost? Repeat the call with the same key: it is one step, however often it comes.',
  )
  const call = { path: `${PATH}/down`, headers: { 'Idempotency-Key': 'tonight-1' } }
  await decide(guide, call, { outcome: 'scaled', from: 12, to: 11 })
  await decide(guide, call, { outcome: 'held', code: 'duplicate', from: 12, to: 11 })
}

async function paused({ guide, step, signal }: TourDeps) {
  step(
    'Pause',
    'No scaling for two hours, by any controller. The pause is kept in the Swarm, so a restart does not end it.',
  )
  const body = '{"direction":"both","for":"2h"}'
  await guide.curl({ method: 'POST', path: `${PATH}/pause`, body, show: ['name', 'pause'] })
  await decide(guide, { path: `${PATH}/down` }, { outcome: 'held', code: 'paused', from: 11, to: 11 })
  await guide.curl({ method: 'POST', path: `${PATH}/resume`, show: ['name', 'pause'] })
  await until(signal, 'it is resumed', async () => (await read(guide)).pause === undefined)
}

async function alerted({ guide, step }: TourDeps) {
  step('An alert', 'Alertmanager and Grafana need no adapter: their notifications are understood as they are.')
  await decide(guide, { path: `${PATH}/up`, body: '@test/demo/alert.json' }, { outcome: 'scaled', from: 11, to: 12 })
}

async function mistaken({ guide, step }: TourDeps) {
  step('Mistakes', 'They are answered with problems (RFC 9457), with a stable code and what would be right.')
  const typo = await guide.curl({ method: 'POST', path: '/v1/autoscaler/demo_wbe/up' })
  guide.expect(typo, { status: 404, code: 'unknown-autoscaler' })
  const wrong = await guide.curl({ method: 'POST', path: `${PATH}/up`, body: '{"by":0}' })
  guide.expect(wrong, { status: 400, code: 'invalid-value' })
}

async function proven({ guide, step, signal }: TourDeps) {
  step('Ask Docker', 'All this was done to a real Swarm of three engines, where 12 containers run now.')
  const format = '{{.Name}} {{.Replicas}}'
  const running = async () => (await guide.quietly('service', 'ls', '--format', format)).includes(`${SERVICE} 12/12`)
  await until(signal, '12 of 12 tasks run', running)
  await guide.docker('service', 'ls')

  step('Figures', 'For Prometheus, each with its help text.')
  const lines = await guide.grep('/metrics', '^orrery_(current|max|decisions_total|writes_total)[{]')
  if (!lines.some((line) => line.startsWith('orrery_current') && line.endsWith(' 12')))
    throw new Surprise('the metrics do not say 12 replicas')
  step('And the list again', "Every route with its fields and examples is on the controller's own page: /docs.")
  await guide.orrery('ls')
}

/** A call that is answered with a decision, which must have these members. */
async function decide(guide: Guide, call: Call, facts: Partial<WireDecision>): Promise<void> {
  guide.expect(await guide.curl({ method: 'POST', show: short, ...call }), facts)
}

const read = async (guide: Guide): Promise<WireAutoscaler> => (await guide.read(PATH)) as WireAutoscaler

/** Waits without a word. Throws a Surprise after 30 s. */
async function until(signal: AbortSignal, what: string, look: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await look()); await sleep(50, undefined, { signal })) {
    if (Date.now() > deadline) throw new Surprise(`not within 30 s: ${what}`)
  }
}
