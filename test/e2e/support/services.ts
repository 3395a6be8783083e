/** Services on the lab as a person makes and looks at them: through the engine's own API, never through our adapter. */
import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { LabNode } from '../../lab/lab.ts'

/** The labels of an autoscaler without cooldown and with plenty of room. */
export const policyLabels = (over: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  'autoscaler.enable': 'true',
  'autoscaler.min': '1',
  'autoscaler.max': '1000',
  'autoscaler.cooldown': '0',
  ...over,
})

export interface Wanted {
  readonly name: string
  readonly replicas?: number
  readonly labels?: Record<string, string>
  /** Tag of `orrery-lab/web`. */
  readonly tag?: string
  /** More of the spec, merged on top. */
  readonly spec?: Record<string, unknown>
  /** More of the task template, merged on top. */
  readonly template?: Record<string, unknown>
}

/** A placement that no node meets: tasks stay pending, so that counts can be large and cheap. */
export const NOWHERE = { Placement: { Constraints: ['node.labels.nowhere == true'] } }

/** In place of one of that name, which an earlier try of the same test has left. */
export async function createService(node: Pick<LabNode, 'api'>, wanted: Wanted): Promise<string> {
  const { name, replicas = 1, labels = policyLabels(), tag = 'good', spec = {}, template = {} } = wanted
  const whole = {
    Name: name,
    Labels: labels,
    TaskTemplate: { ContainerSpec: { Image: `orrery-lab/web:${tag}`, Args: ['sleep', '1000000'] }, ...template },
    Mode: { Replicated: { Replicas: replicas } },
    EndpointSpec: { Mode: 'dnsrr' },
    ...spec,
  } as Docker.CreateServiceOptions
  const created = await node.api.createService(whole).catch(async (error: { statusCode?: number }) => {
    if (error.statusCode !== 409) throw error
    await removeService(node, name)
    return await node.api.createService(whole)
  })
  return (created as unknown as { id?: string; ID?: string }).id ?? (created as unknown as { ID: string }).ID
}

/** Whether there is one or not. */
export async function removeService({ api }: Pick<LabNode, 'api'>, name: string): Promise<void> {
  const services = await api.listServices({ filters: JSON.stringify({ name: [name] }) })
  const found = services.find(({ Spec }) => Spec?.Name === name)
  if (found?.ID !== undefined) await api.getService(found.ID).remove()
}

/** The service as JSON text, exactly as the engine sends it. */
export async function rawService({ api }: Pick<LabNode, 'api'>, id: string): Promise<string> {
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    const options = {
      path: `/services/${id}`,
      method: 'GET',
      isStream: true,
      statusCodes: { 200: true, 404: 'not found', 500: 'error' },
    }
    api.modem.dial(options, (error, data) => (error ? reject(error) : resolve(data as NodeJS.ReadableStream)))
  })
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

export interface Service {
  readonly ID: string
  readonly Version: { readonly Index: number }
  readonly Spec: {
    readonly Name: string
    readonly Labels: Record<string, string>
    readonly TaskTemplate: Record<string, unknown>
    readonly Mode: { readonly Replicated?: { readonly Replicas: number } }
  }
  readonly PreviousSpec?: Service['Spec']
  readonly UpdateStatus?: { readonly State: string; readonly Message?: string }
}

export const inspectService = async (node: Pick<LabNode, 'api'>, id: string): Promise<Service> =>
  JSON.parse(await rawService(node, id))

export const replicasOf = async (node: Pick<LabNode, 'api'>, id: string): Promise<number | undefined> =>
  (await inspectService(node, id)).Spec.Mode.Replicated?.Replicas

/** Sends the spec back with `change` made to it, as a person's tool would. */
export async function updateService(
  node: Pick<LabNode, 'api'>,
  id: string,
  change: (spec: Record<string, unknown> & Service['Spec']) => void,
): Promise<void> {
  const service = await inspectService(node, id)
  const spec = structuredClone(service.Spec) as Record<string, unknown> & Service['Spec']
  change(spec)
  await node.api.getService(id).update({ _query: { version: service.Version.Index }, _body: spec } as never)
}

export interface Task {
  readonly ID: string
  readonly Slot: number
  readonly NodeID: string
  readonly DesiredState: string
  readonly Status: {
    readonly State: string
    readonly Timestamp?: string
    readonly Err?: string
    readonly ContainerStatus?: { ContainerID: string }
    readonly PortStatus?: { Ports?: { PublishedPort: number }[] }
  }
  readonly Spec: { readonly ContainerSpec: { readonly Image: string } }
}

export const tasksOf = async ({ api }: Pick<LabNode, 'api'>, service: string): Promise<Task[]> =>
  (await api.listTasks({ filters: JSON.stringify({ service: [service] }) })) as Task[]

export const runningTasks = async (node: Pick<LabNode, 'api'>, service: string): Promise<Task[]> =>
  (await tasksOf(node, service)).filter(
    ({ DesiredState, Status }) => DesiredState === 'running' && Status.State === 'running',
  )

/** Polls until `look` returns something true, and returns it. Throws with `what` and the last value when it does not. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  { timeoutMs = 30_000, everyMs = 50 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  let last: unknown
  for (const deadline = Date.now() + timeoutMs; ; await sleep(everyMs)) {
    try {
      const value = await look()
      if (value !== undefined && value !== null && value !== false) return value as NonNullable<T>
      last = value
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms (last: ${String(last)})`)
  }
}
