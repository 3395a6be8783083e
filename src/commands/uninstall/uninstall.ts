/**
 * `orrery uninstall`: takes away everything of Orrery's that is in the Swarm and on its hosts, in the one order that leaves
 * nothing: networks while agents live, then controllers and agents, then what controllers would write again. A plan first;
 * each run looks anew, so that one that was interrupted is finished by the next.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Installation, Installed, Labelled } from '../../adapters/swarm/installation/installation.ts'
import type { NetworkView } from '../../bootstrap/network.ts'
import type { Progress } from '../../bootstrap/reconcile/progress.ts'
import { rangeLabel, readyLabel } from '../../bootstrap/record/record.ts'
import { parseDuration } from '../../foundation/duration.ts'
import type { WriteResult } from '../../swarm/write-result.ts'
import type { Console, ExitCode } from '../console.ts'
import type { NetworkSession } from '../network/session.ts'

export interface UninstallOptions {
  readonly yes?: true
  readonly json?: true
  /** A duration. */
  readonly timeout?: string
}

export interface UninstallDeps {
  readonly session: Pick<NetworkSession, 'bootstrap' | 'catalog' | 'unheard'>
  readonly installation: Pick<Installation, 'look' | 'running' | 'remove' | 'unlabel'>
  /** The address of a controller that answers though no service of ours runs; `undefined`: none does. */
  readonly controllerThere: () => Promise<string | undefined>
  /** How long the controller may be away, as while it is replaced. */
  readonly awayMs?: number
  /** Where this command is told of a Consul: takes the entries of this Swarm out of it, and says how many went. */
  readonly leaveConsul?: (swarm: Pick<Installed, 'cluster' | 'hostnames'>, patienceMs: number) => Promise<number>
}

interface Plan {
  readonly steps: readonly string[]
  /** Why nothing may be begun. */
  readonly refusals: readonly string[]
  readonly byHand: readonly string[]
}

const PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 500
const AWAY_MS = 30_000

export async function uninstall(deps: UninstallDeps, options: UninstallOptions, io: Console): Promise<ExitCode> {
  const { session, installation } = deps
  const before = await installation.look()
  const networks = (await activeNetworks(session)).filter((one) => !isGone(one, before)).map(({ name }) => name)
  // One that is being replaced is back soon.
  const untilMs = Date.now() + (deps.awayMs ?? AWAY_MS)
  const mayComeBack = networks.length > 0 && before.services.length > 0
  const isAway = () => {
    const unheard = session.unheard()
    return unheard !== undefined && (!unheard.isThere || unheard.passes === true)
  }
  while (mayComeBack && isAway() && Date.now() < untilMs) await sleep(LOOK_EVERY_MS)
  const plan = planOf({
    ...{ networks, installed: before, unheard: session.unheard()?.reason },
    leavesConsul: deps.leaveConsul !== undefined,
  })
  const isDone = plan.steps.length === 0
  if (options.yes !== true || isDone || plan.refusals.length > 0) {
    io.out(options.json ? `${JSON.stringify({ ...plan, done: [], left: plan.steps })}\n` : planText(plan, options.yes))
    return plan.refusals.length > 0 ? 1 : 0
  }
  const done: string[] = []
  const say = (text: string) => (options.json ? io.err : io.out)(`${text}\n`)
  const left = await carryOut(deps, {
    ...{ networks, before },
    patienceMs: (options.timeout === undefined ? undefined : parseDuration(options.timeout)) ?? PATIENCE_MS,
    say,
    did(text) {
      done.push(text)
      say(text)
    },
  })
  if (options.json) io.out(`${JSON.stringify({ ...plan, done, left })}\n`)
  else io.out(left.length > 0 ? leftText(left) : `Done: nothing of Orrery's is left in the Swarm.\n${handText(plan)}`)
  return left.length === 0 ? 0 : 1
}

/** Those that are active, their services still to be told apart: a plan reads what the catalog shows. */
async function activeNetworks({ bootstrap, catalog }: UninstallDeps['session']) {
  const all = catalog(await bootstrap.plan({ mode: 'keep' })).networks()
  return all.filter(({ isInForce }) => isInForce)
}

/**
 * An earlier run was interrupted after the networks: controllers and agents go only then. The labels of a node go when its
 * agent has taken its part away.
 */
function isGone({ name, conditions }: NetworkView, { services, networks, labelled }: Installed): boolean {
  const isRemoving = conditions.some(({ type, status }) => type === 'Removing' && status)
  const labels = [readyLabel(name), rangeLabel(name)]
  const isLabelled = labelled.some((one) => one.labels.some((label) => labels.includes(label)))
  return services.length === 0 && isRemoving && !networks.has(name) && !isLabelled
}

function planOf(known: {
  readonly networks: readonly string[]
  readonly installed: Installed
  readonly unheard: string | undefined
  readonly leavesConsul: boolean
}): Plan {
  const { networks, installed, unheard, leavesConsul } = known
  const { services, configs, secrets, labelled, volumes, operatorLabels, users } = installed
  const inUse = networks.flatMap((name) => {
    const by = [...(users.get(name) ?? [])].sort()
    return by.length === 0
      ? []
      : [`The network ${name} is used by ${by.join(', ')}: remove them, or take the network from them.`]
  })
  const listed = (what: string, parts: readonly { readonly name: string }[]) =>
    parts.length === 0 ? [] : [`remove the ${what}${parts.length === 1 ? '' : 's'} ${namesOf(parts)}`]
  return {
    steps: [
      ...networks.map(
        (name) => `remove the network ${name}: what its agents made on every node, the swarm network, labels`,
      ),
      ...listed('service', services),
      ...(leavesConsul ? ['take the entries of this Swarm out of Consul'] : []),
      ...labelled.map((one) => `take ${one.labels.join(' and ')} from the ${one.kind} ${one.name}`),
      ...listed('config', configs),
      ...listed('secret', secrets),
    ],
    refusals: [
      ...inUse,
      ...(networks.length > 0 && unheard !== undefined ? [agentsUnknown(networks, unheard)] : []),
      ...(installed.consul !== undefined && !leavesConsul
        ? [
            `The controllers write to Consul: give CONSUL_HTTP_ADDR=${installed.consul} here too (and the files for it), so that their entries go.`,
          ]
        : []),
    ],
    byHand: [
      ...volumes.map((name) => `on every node: docker volume rm ${name}`),
      ...operatorLabels.map((one) => {
        const [hostname, label] = one.split(' ')
        return `docker node update --label-rm ${label} ${hostname}`
      }),
      'policy labels (autoscaler.…) and files go with the stack files that have them; they do nothing now',
    ],
  }
}

const agentsUnknown = (networks: readonly string[], reason: string): string =>
  `Whether agents have taken their part of ${networks.join(', ')} away is not known: ${reason}. A controller must run, and ORRERY_CLI_TOKEN_FILE or ORRERY_TOKEN_FILE must have a token of the role read.`

interface Work {
  readonly networks: readonly string[]
  readonly before: Installed
  readonly patienceMs: number
  readonly say: (text: string) => void
  readonly did: (text: string) => void
}

/** What is left, in words. */
async function carryOut(deps: UninstallDeps, work: Work): Promise<readonly string[]> {
  const leftOfNetworks = await removeNetworks(deps.session, work)
  if (leftOfNetworks.length > 0) return leftOfNetworks
  const leftOfServices = await removeServices(deps, work)
  if (leftOfServices.length > 0) return leftOfServices
  const { installation } = deps
  const gone = await deps.leaveConsul?.(work.before, work.patienceMs)
  if (gone !== undefined) work.did(`Consul: ${gone} entries and nodes taken out`)
  const { labelled, configs, secrets } = await installation.look()
  const left: string[] = []
  const note = (text: string, result: WriteResult) => {
    if (result.kind === 'committed' || result.kind === 'gone') work.did(text)
    else left.push(`${text}: ${'message' in result ? result.message : 'somebody else changed it at the same time'}`)
  }
  for (const one of labelled) {
    const text = `${one.name}: ${one.labels.join(' and ')} taken away`
    if (one.isInUse) left.push(kept(one))
    else note(text, await installation.unlabel(one))
  }
  // The last: what they hold is what another run would go by.
  for (const one of left.length > 0 ? [] : configs)
    note(`config ${one.name} removed`, await installation.remove('config', one.id))
  for (const one of secrets) note(`secret ${one.name} removed`, await installation.remove('secret', one.id))
  return left
}

async function removeNetworks(session: UninstallDeps['session'], { networks, patienceMs, did, say }: Work) {
  const onProgress = ({ network, node, state, text }: Progress) => {
    if (state !== 'begun') say(`${[network, node].filter(Boolean).join(' ')}: ${state}: ${text}`)
  }
  for (const network of networks) {
    const result = await session.bootstrap.remove({ network, isLast: true, patienceMs }, onProgress)
    if (result.outcome !== 'done' && result.outcome !== 'unchanged')
      return [result.reason, ...result.left].filter((text) => text !== '')
    did(`network ${network} removed from every node`)
  }
  return []
}

async function removeServices({ installation, controllerThere }: UninstallDeps, { before, patienceMs, did }: Work) {
  const { services } = before
  for (const { id, name } of services) {
    const result = await installation.remove('service', id)
    if (result.kind !== 'committed' && result.kind !== 'gone')
      return [`remove the service ${name}: ${'message' in result ? result.message : result.kind}`]
    did(`service ${name} removed`)
  }
  const untilMs = Date.now() + patienceMs
  const ids = services.map(({ id }) => id)
  // A controller finishes what it has accepted, and would write its label once more.
  for (let running = await installation.running(ids); running > 0; running = await installation.running(ids)) {
    if (Date.now() > untilMs) return [`${running} tasks of ${namesOf(services)} have not ended`]
    await sleep(LOOK_EVERY_MS)
  }
  const address = await controllerThere()
  return address === undefined
    ? []
    : [
        `a controller at ${address} still runs, and is not a service with the label orrery.role: stop it (docker stack rm …)`,
      ]
}

const kept = ({ kind, name, labels }: Labelled): string =>
  kind === 'service'
    ? `${name} keeps ${labels.join(' and ')}: an update of it runs or is paused, and another one would resume it. Let it end, or roll it back`
    : `${name} keeps ${labels.join(' and ')}: that network is still there, and its tasks would be evicted. Remove it first`

const namesOf = (parts: readonly { readonly name: string }[]): string =>
  parts
    .map(({ name }) => name)
    .sort()
    .join(', ')

function planText(plan: Plan, yes: true | undefined): string {
  if (plan.steps.length === 0) return `Nothing of Orrery's is in this Swarm.\n${handText(plan)}`
  const steps = plan.steps.map((step, index) => `  ${index + 1}. ${step}\n`).join('')
  const refusals = plan.refusals.map((text) => `! ${text}\n`).join('')
  const last = yes ? 'Refused, nothing was touched.' : 'Nothing was touched; `orrery uninstall --yes` does it.'
  return `${steps}${handText(plan)}${refusals}${last}\n`
}

const handText = ({ byHand }: Plan): string => `By hand afterwards:\n${byHand.map((text) => `  ${text}\n`).join('')}`

const leftText = (left: readonly string[]): string =>
  `Not finished; run it again when this is done:\n${left.map((text) => `  left: ${text}\n`).join('')}`
