import { isLosslessNumber, parse, stringify } from 'lossless-json'
import { beforeAll, expect, it } from 'vitest'
import type { LabNode } from '../../lab/lab.ts'
import { type Controller, startController } from '../support/controller.ts'
import { labForTests } from '../support/lab-for-tests.ts'
import { eventually, policyLabels, rawService, removeService, runningTasks } from '../support/services.ts'
import { enginesSideBySide } from '../support/side-by-side.ts'

/** Above 2^53, and a length of time that any engine takes: 2562047 h. */
const HUGE = '9223372036854775807'

/** As little as the API takes, plus what older clients and typed structs lose. */
const sparse = {
  ContainerSpec: {
    Image: 'orrery-lab/web:good',
    Args: ['sleep', '1000000'],
    Init: true,
    Ulimits: [{ Name: 'nofile', Soft: 1234, Hard: 4321 }],
    Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '80' },
    CapabilityDrop: ['CAP_NET_RAW'],
  },
  Placement: { MaxReplicas: 9 },
}

enginesSideBySide('a service with a sparse spec, on the %s engine', (engine) => {
  const place = labForTests({ engine, nodes: 1 })
  let manager: LabNode
  let controller: Controller

  beforeAll(async () => {
    manager = place.manager
    controller = await startController(manager)
  })

  it('keeps its tasks and differs after up only in Replicas and our label', async () => {
    await removeService(manager, 'sparse') // of an earlier try
    const id = await createSparse(manager, 'sparse', 2)
    await eventually('two tasks run', async () => (await runningTasks(manager, 'sparse')).length === 2)
    const tasks = await runningTasks(manager, 'sparse')
    const before = await spec(manager, id)

    const { status, body } = await eventually('it is seen', async () => {
      const answer = await controller.up('sparse')
      return answer.status === 200 ? answer : undefined
    })
    expect([status, body.outcome, body.to]).toEqual([200, 'scaled', 3])
    await eventually('three tasks run', async () => (await runningTasks(manager, 'sparse')).length === 3)

    const after = await spec(manager, id)
    expect(at(after, 'Mode.Replicated.Replicas')).toBe('3')
    expect(after.Labels).toHaveProperty(['autoscaler.state'])
    delete (after.Labels as Record<string, unknown>)['autoscaler.state']
    Object.assign(after.Mode as object, { Replicated: (before.Mode as Record<string, unknown>).Replicated })
    expect(stringify(after)).toBe(stringify(before))
    expect(stringify(after)).toContain(HUGE)
    expect(stringify(after)).toContain('"Ulimits"')

    const kept = new Set((await runningTasks(manager, 'sparse')).map(({ ID }) => ID))
    expect(tasks.filter(({ ID }) => !kept.has(ID))).toEqual([])
  })
})

/** Through the raw API, as text: a client would round the integer. */
async function createSparse({ api }: LabNode, name: string, replicas: number): Promise<string> {
  const body = JSON.stringify({
    Name: name,
    Labels: policyLabels(),
    TaskTemplate: { ...sparse, RestartPolicy: { Delay: 'HUGE' } },
    Mode: { Replicated: { Replicas: replicas } },
  }).replace('"HUGE"', HUGE)
  const answer = await new Promise<{ ID: string }>((resolve, reject) => {
    api.modem.dial(
      {
        path: '/services/create',
        method: 'POST',
        file: Buffer.from(body),
        headers: { 'Content-Type': 'application/json' },
        statusCodes: { 201: true, 400: 'bad', 500: 'error' },
      } as never,
      (error, data) => (error ? reject(error) : resolve(data as { ID: string })),
    )
  })
  return answer.ID
}

async function spec(node: LabNode, id: string): Promise<Record<string, unknown>> {
  const service = parse(await rawService(node, id)) as { Spec: Record<string, unknown> }
  return service.Spec
}

function at(object: unknown, path: string): unknown {
  const value = path.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown>)?.[name], object)
  return isLosslessNumber(value) ? value.value : value
}
