/** The pause of everything by the command line, through the API, over a Swarm in memory that two controllers share. */
import { describe, expect, it } from 'vitest'
import { runProgram } from '../../../src/commands/program.ts'
import { aNode, fakeNetworks } from '../../support/builders/network-views.ts'
import { listening, server } from '../../support/use-cases/http.ts'
import { type MemorySwarm, memoryController } from '../../support/use-cases/memory-controller.ts'
import { fakeConsole } from './network/fake-session.ts'

const labels = { 'autoscaler.enable': 'true', 'autoscaler.max': '9', 'autoscaler.cooldown': '0' }
const clock = { nowMs: Date.UTC(2026, 0, 31, 12) }

/** `again`: another controller of the same Swarm, or the same one after a restart. */
async function controller(again?: { readonly swarm: MemorySwarm }) {
  const { swarm, catalog, scaler, alerts } = memoryController(clock, again && { swarm: again.swarm })
  if (again === undefined) for (const name of ['web', 'api']) swarm.add({ id: `id-${name}`, name, labels, replicas: 3 })
  const nodes = [
    aNode({ hostname: 'm1', role: 'manager', manager: { isLeader: true, reachability: 'reachable' }, cpus: 4 }),
    aNode({
      hostname: 'm2',
      role: 'manager',
      manager: { isLeader: false, reachability: 'unreachable' },
      state: 'down',
    }),
    aNode({ hostname: 'w1', memoryBytes: 8e9, agent: { isHeard: false, faults: [] }, containers: [] }),
  ]
  const running = { ...catalog, list: () => catalog.list().map((one) => ({ ...one, running: 3 })) }
  const app = server({ catalog: running, scaler, alerts, networks: fakeNetworks([], nodes), now: () => clock.nowMs })
  const { url } = await listening(app)
  const orrery = async (...words: string[]) => {
    const { io, out, err } = fakeConsole()
    const code = await runProgram(words, { ...io, env: { ORRERY_URL: url } })
    return { code, out: out(), err: err() }
  }
  return { swarm, orrery }
}

describe('orrery pause --all', () => {
  it('says until when, why and how it ends; ls and describe say so; a step is held; resume --all ends it', async () => {
    const { orrery } = await controller()
    const paused = await orrery('pause', '--all', '--for', '10m', '--reason', 'the database moves')
    const line =
      'everything is paused until 2026-01-31T12:10:00.000Z, 127.0.0.1: the database moves; `orrery resume --all` ends it\n'
    expect(paused).toEqual({ code: 0, out: line, err: '' })
    const listed = (await orrery('ls')).out
    expect(listed.startsWith(line)).toBe(true)
    expect(listed.match(/Paused: everything is paused via API/g)).toHaveLength(2)
    expect((await orrery('describe', 'web')).out).toContain('everything is paused via API until 2026-01-31T12:10:00Z')
    const held = await orrery('up', 'web')
    expect(held).toMatchObject({
      code: 1,
      out: expect.stringContaining('web: held, paused at 3: everything is paused'),
    })
    expect(JSON.parse((await orrery('pause', '--all', '--json')).out)).toMatchObject({ pause: { direction: 'both' } })
    expect(await orrery('resume', '--all')).toEqual({ code: 0, out: 'not everything is paused\n', err: '' })
    expect(await orrery('up', 'web')).toMatchObject({ code: 0, out: expect.stringContaining('3 -> 4') })
    expect((await orrery('ls')).out).not.toContain('paused')
  })

  it('leaves single pauses to themselves, and is the same at another controller and after a restart', async () => {
    const first = await controller()
    await first.orrery('pause', 'web', '--reason', 'its own')
    await first.orrery('pause', '--all', '--direction', 'down')
    const second = await controller(first)
    expect((await second.orrery('ls')).out).toMatch(
      /^everything is paused \(down\) until it is resumed, 127\.0\.0\.1; /,
    )
    const resumed = await second.orrery('resume', 'web')
    expect(resumed.out).toMatch(/^web: everything is paused via API until it is resumed \(down\)/)
    await second.orrery('pause', 'web')
    await second.orrery('resume', '--all')
    expect((await first.orrery('ls')).out).not.toContain('everything')
    expect(await first.orrery('down', 'api')).toMatchObject({ code: 0 })
    expect(await first.orrery('down', 'web')).toMatchObject({ code: 1, out: expect.stringContaining('paused') })
  })

  it.each(['pause', 'resume', 'pause web --all', 'resume web --all'])('is not guessed: %s', async (words) => {
    const { swarm, orrery } = await controller()
    expect(await orrery(...words.split(' '))).toMatchObject({ code: 2, err: expect.stringContaining('or write --all') })
    expect(swarm.shared()).not.toHaveProperty('pauseAll')
    expect(swarm.shared().pauses.size).toBe(0)
  })
})

it('orrery nodes says who leads, who is not reached, what each has and how its agent is', async () => {
  const { orrery } = await controller()
  const { out } = await orrery('nodes')
  const cells = (name: string) =>
    (out.split('\n').find((line) => line.includes(` ${name} `)) ?? '').split('│').map((cell) => cell.trim())
  expect(cells('m1')).toEqual(expect.arrayContaining(['m1', 'leader', 'active', '4', '28.5.1', 'reporting']))
  expect(cells('m2')).toEqual(expect.arrayContaining(['manager, unreachable', 'down, active']))
  expect(cells('w1')).toEqual(expect.arrayContaining(['worker', '8.0 GB', 'never reported']))
  expect(JSON.parse((await orrery('nodes', '--json')).out).nodes[0].manager).toEqual({
    ...{ leader: true, reachability: 'reachable' },
  })
})
