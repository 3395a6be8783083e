import { describe, expect, it } from 'vitest'
import { eventually, fakeEngine, inSync, recordingLogger, sleep, swarmOn } from '../swarm-fixture.ts'

const QUICK = { managersEveryMs: 20, lookedAtMs: 200 }
const manager = (hostname: string, isLeader: boolean, reachability = 'reachable') => ({
  ...{ id: hostname, hostname, role: 'manager' as const },
  raw: { ManagerStatus: { ...(isLeader && { Leader: true }), Reachability: reachability, Addr: '10.0.0.1:2377' } },
})

const connected = async () => {
  const engine = await fakeEngine()
  engine.addNode(manager('m1', true))
  engine.addNode(manager('m2', false))
  engine.addNode({ id: 'w1', hostname: 'worker1' })
  const logger = recordingLogger()
  const { bootstrap } = await inSync(swarmOn(engine.host, { timing: QUICK, logger }))
  const changes: string[] = []
  bootstrap.managers.onChange(() => changes.push('changed'))
  return { engine, managers: bootstrap.managers, changes, logger }
}

describe('who leads', () => {
  it('is asked for while somebody looks, of managers alone, and not otherwise', async () => {
    const { engine, managers, changes } = await connected()
    await sleep(60)
    expect(engine.count('GET /nodes')).toBe(0)
    expect(managers.get('m1')).toBeUndefined()
    managers.look()
    await eventually(() => managers.get('m1')?.isLeader === true)
    expect(managers.get('m2')).toEqual({ isLeader: false, reachability: 'reachable' })
    expect(managers.get('w1')).toBeUndefined()
    const asked = engine.calls.find(({ endpoint }) => endpoint === 'GET /nodes')
    expect(JSON.parse(String(asked?.query.filters))).toEqual({ role: ['manager'] })
    // Nobody has looked for a while: nothing is known, and nobody is asked.
    await eventually(() => managers.get('m1') === undefined)
    engine.forgetCalls()
    await sleep(80)
    expect(engine.count('GET /nodes')).toBe(0)
    expect(changes).toHaveLength(2)
  })

  it('is seen to change, though no version and no event says so', async () => {
    const { engine, managers } = await connected()
    engine.muteEvents(true)
    const isLed = (by: string) => {
      managers.look()
      return managers.get(by)?.isLeader === true
    }
    await eventually(() => isLed('m1'))
    engine.addNode(manager('m1', false, 'unreachable'))
    engine.addNode(manager('m2', true))
    await eventually(() => isLed('m2'))
    expect(managers.get('m1')).toEqual({ isLeader: false, reachability: 'unreachable' })
  })

  it('is unknown where nobody answers, which is said once, and known again', async () => {
    const { engine, managers, logger } = await connected()
    const known = () => {
      managers.look()
      return managers.get('m1') !== undefined
    }
    await eventually(known)
    engine.inject('GET /nodes', { status: 500, message: 'rpc error: no leader' }, 3)
    await eventually(() => !known())
    await eventually(known)
    const said = logger.lines.filter(({ fields }) => 'event' in fields && fields.event === 'managers-read-failed')
    expect(said).toHaveLength(1)
    expect(said[0]?.message).toContain('no leader')
  })

  it('is left out of what cannot be read', async () => {
    const { engine, managers } = await connected()
    engine.addNode({ id: 'm3', hostname: 'm3', role: 'manager', raw: { ManagerStatus: null } })
    engine.addNode({ id: 'm4', hostname: 'm4', role: 'manager', raw: { ManagerStatus: { Reachability: 'odd' } } })
    managers.look()
    await eventually(() => managers.get('m4') !== undefined)
    expect(managers.get('m4')).toEqual({ isLeader: false, reachability: 'unknown' })
    expect(managers.get('m3')).toBeUndefined()
  })
})
