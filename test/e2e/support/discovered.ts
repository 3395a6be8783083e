/** What Consul says, by its own API and DNS, and clients that live by it. */
import { join } from 'node:path'
import type { Lab, LabNode } from '../../lab/lab.ts'
import type { ConsulServer, LabConsul } from '../../lab/programs/consul.ts'
import { eventually, updateService } from './services.ts'

/** Each task answers with its own id (its variable TASK), at once healthy and at once gone on SIGTERM. */
export const PAGE = 'mkdir /w; echo $TASK > /w/index.html; httpd -f -p 80 -h /w & trap "kill $!; exit" TERM; wait'

export const scaleTo = async (node: Pick<LabNode, 'api'>, id: string, replicas: number) =>
  await updateService(node, id, (spec) => {
    if (spec.Mode.Replicated) Object.assign(spec.Mode.Replicated, { Replicas: replicas })
  })

export interface ConsulEntry {
  readonly ID: string
  readonly Service: string
  readonly Address: string
  readonly Port: number
  readonly Tags: readonly string[]
  readonly Meta: Readonly<Record<string, string>>
}

/** Those whose checks all pass, sorted by id. */
export async function passing(consul: Pick<ConsulServer, 'get'>, service: string): Promise<ConsulEntry[]> {
  const rows = await consul.get<{ Service: ConsulEntry }[]>(`/v1/health/service/${service}?passing`)
  return rows.map(({ Service }) => Service).toSorted((one, other) => (one.ID < other.ID ? -1 : 1))
}

export const untilPassing = async (consul: ConsulServer, service: string, count: number, timeoutMs = 60_000) =>
  await eventually(
    `${count} entries of ${service} pass`,
    async () => (await passing(consul, service)).length === count,
    {
      timeoutMs,
      everyMs: 50,
    },
  )

/** Addresses that Consul's own DNS gives, sorted. */
export async function lookUp(lab: Lab, consul: LabConsul, name: string): Promise<string[]> {
  const script = `const r = new (require('node:dns').promises.Resolver)(); r.setServers(['${consul.host}:8600']);
    r.resolve4('${name}').then((a) => console.log(JSON.stringify(a.sort())), (e) => console.log(JSON.stringify([e.code])))`
  const { stdout } = await lab.run([process.execPath, '-e', script])
  return JSON.parse(stdout)
}

export interface Polled {
  readonly polls: number
  readonly calls: number
  /** How often there was no passing entry at all. */
  readonly empty: number
  /** How many entries passed, each number once for each change. */
  readonly counts: readonly number[]
  readonly violations: readonly object[]
  /** How long an entry passed after a call to it had failed, at most. */
  readonly longestFalse: { readonly ms: number; readonly why: string }
  readonly lookUps: number
  /** Where Consul's DNS had no address. */
  readonly failedLookUps: readonly object[]
}

/**
 * A machine on the LAN that finds the service in Consul, by its API and its DNS, and calls every passing entry, 20 times a
 * second. `toleratedMs`: how long an entry may still pass after a call to it failed.
 */
export async function startPolling(
  lab: Lab,
  consul: LabConsul,
  service: string,
  toleratedMs = 250,
): Promise<() => Promise<Polled>> {
  const script = join(import.meta.dirname, '../fixtures/poll-consul.mjs')
  const inside = await lab.spawn([process.execPath, script, consul.inside, service, String(toleratedMs)])
  await eventually('the machine polls', async () => inside.output().includes('polling'), { everyMs: 20 })
  return async () => {
    inside.kill('SIGTERM')
    await inside.exited
    return JSON.parse(inside.output().trim().split('\n').at(-1) ?? '')
  }
}
