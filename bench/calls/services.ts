/** The services that the figures are measured with: specs as long as real ones (2.5 KB), and no tasks. */
import type { RawEngine } from './raw-engine.ts'

/** No node meets it: tasks stay pending, so that a count costs what it costs Swarm to write it, and no more. */
const NOWHERE = ['node.labels.nowhere == true']

export interface Wanted {
  readonly name: string
  readonly replicas?: number
  readonly labels?: Readonly<Record<string, string>>
}

export function specOf({ name, replicas = 0, labels = {} }: Wanted) {
  const env = Array.from(
    { length: 20 },
    (_, index) => `SETTING_${index}=a value of about forty characters, no ${index}`,
  )
  return {
    Name: name,
    Labels: {
      'com.docker.stack.namespace': 'shop',
      'com.docker.stack.image': 'registry.example/shop/service:1.2.3',
      'autoscaler.enable': 'true',
      'autoscaler.min': '0',
      'autoscaler.max': '100000',
      'autoscaler.cooldown': '0',
      'autoscaler.step.up': '1',
      'autoscaler.on-resolved': 'down',
      ...labels,
    },
    TaskTemplate: {
      ContainerSpec: {
        Image: 'registry.example/shop/service:1.2.3',
        Args: ['serve', '--listen', '0.0.0.0:8080'],
        Env: env,
        Mounts: [{ Type: 'volume', Source: `${name}-data`, Target: '/data' }],
        Healthcheck: { Test: ['CMD', 'wget', '-qO-', 'http://127.0.0.1:8080/healthz'], Interval: 10e9, Retries: 3 },
        StopGracePeriod: 10e9,
      },
      Resources: { Limits: { NanoCPUs: 5e8, MemoryBytes: 268435456 }, Reservations: { MemoryBytes: 134217728 } },
      RestartPolicy: { Condition: 'any', Delay: 5e9 },
      Placement: { Constraints: NOWHERE },
      LogDriver: { Name: 'json-file', Options: { 'max-size': '10m', 'max-file': '3' } },
    },
    Mode: { Replicated: { Replicas: replicas } },
    UpdateConfig: { Parallelism: 1, Delay: 1e9, FailureAction: 'rollback', Monitor: 5e9, Order: 'start-first' },
    RollbackConfig: { Parallelism: 1, FailureAction: 'pause', Monitor: 5e9, Order: 'stop-first' },
    EndpointSpec: { Mode: 'dnsrr' },
  }
}

/** The new service's id. */
export async function createService(engine: RawEngine, wanted: Wanted): Promise<string> {
  return JSON.parse(await engine.call('POST', '/services/create', JSON.stringify(specOf(wanted)))).ID
}

export interface Inspected {
  readonly Version: { readonly Index: number }
  readonly Spec: { readonly Mode: { readonly Replicated: { Replicas: number } } } & Record<string, unknown>
}

export const inspectService = async (engine: RawEngine, id: string): Promise<Inspected> =>
  JSON.parse(await engine.call('GET', `/services/${id}`))

export const replicasOf = async (engine: RawEngine, id: string): Promise<number> =>
  (await inspectService(engine, id)).Spec.Mode.Replicated.Replicas

/** What a service costs while nothing asks for it: `name(0)` to `name(count - 1)`, those that are there left out. */
export function createCrowd(engine: RawEngine) {
  let there = 0
  return async (count: number): Promise<void> => {
    const missing = Array.from({ length: Math.max(count - there, 0) }, (_, index) => crowdName(there + index))
    await Promise.all(missing.map((name) => createService(engine, { name })))
    there = Math.max(there, count)
  }
}

export const crowdName = (index: number): string => `crowd-${index}`
