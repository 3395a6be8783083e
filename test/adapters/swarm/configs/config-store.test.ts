import { describe, expect, it } from 'vitest'
import type { Pause, SharedState } from '../../../../src/autoscaling/decision/shared-state.ts'
import { eventually, fakeEngine, inSync, sleep, swarmOn } from '../swarm-fixture.ts'

const paused =
  (id: string, pause: Pause = { scope: 'both', sinceMs: 1 }) =>
  (state: SharedState) => ({
    ...state,
    pauses: new Map(state.pauses).set(id, pause),
  })

const setup = async (labels?: Record<string, string>) => {
  const engine = await fakeEngine()
  if (labels !== undefined) engine.setConfig('orrery-state', labels)
  const { sharedState } = await inSync(swarmOn(engine.host))
  await sleep(20)
  engine.forgetCalls()
  return { engine, sharedState, labels: () => engine.config('orrery-state')?.labels }
}

describe('the shared state', () => {
  it('is empty while there is no config, and the first update makes one', async () => {
    const { sharedState, labels } = await setup()
    expect(sharedState.current().pauses.size).toBe(0)
    expect(labels()).toBeUndefined()
    await sharedState.update(paused('abc'))
    expect(labels()).toEqual({ 'pause.abc': '{"scope":"both","since":1}' })
    expect(sharedState.current().pauses.get('abc')).toEqual({ scope: 'both', sinceMs: 1 })
  })

  it('is that of the config with exactly this name', async () => {
    const engine = await fakeEngine()
    engine.setConfig('orrery-state-old', { 'pause.old': '{"scope":"both","since":1}' })
    engine.setConfig('orrery-state', { 'pause.abc': '{"scope":"both","since":1}' })
    const { sharedState } = await inSync(swarmOn(engine.host))
    expect([...sharedState.current().pauses.keys()]).toEqual(['abc'])
  })

  it('follows what another controller writes', async () => {
    const { engine, sharedState } = await setup()
    const seen: string[][] = []
    sharedState.onChange(({ pauses }) => seen.push([...pauses.keys()]))
    engine.setConfig('orrery-state', { 'pause.abc': '{"scope":"both","since":1}' })
    await eventually(() => sharedState.current().pauses.has('abc'))
    engine.setConfig('orrery-state', {})
    await eventually(() => sharedState.current().pauses.size === 0)
    engine.setConfig('orrery-other', {})
    await sleep(30)
    expect(seen).toEqual([['abc'], []])
    expect(engine.count('GET /configs')).toBe(2)
  })

  it('keeps labels that it does not know, and the one byte of data', async () => {
    const { engine, sharedState, labels } = await setup({ 'later.xyz': 'of a newer version' })
    await sharedState.update(paused('abc'))
    expect(labels()).toEqual({ 'later.xyz': 'of a newer version', 'pause.abc': '{"scope":"both","since":1}' })
    const sent = engine.calls.find(({ endpoint }) => endpoint === 'POST /configs/{id}/update')
    expect(JSON.parse(sent?.body ?? '')).toMatchObject({ Name: 'orrery-state', Data: 'LQ==' })
  })

  it('is not written when nothing changes', async () => {
    const { engine, sharedState } = await setup({ 'pause.abc': '{"scope":"both","since":1}' })
    await sharedState.update(paused('abc'))
    await sharedState.update((state) => state)
    expect(engine.calls.filter(({ endpoint }) => endpoint.startsWith('POST'))).toEqual([])
  })

  it('loses pauses that have ended with the next write, not before', async () => {
    const { sharedState, labels } = await setup({ 'pause.old': '{"scope":"both","since":1,"until":2}' })
    await sharedState.update((state) => state)
    expect(labels()).toHaveProperty(['pause.old'])
    await sharedState.update(paused('abc'))
    expect(Object.keys(labels() ?? {})).toEqual(['pause.abc'])
  })

  it('of each config is its own: what alerts are remembered by is not in orrery-state', async () => {
    const engine = await fakeEngine()
    const { sharedState, alerts } = await inSync(swarmOn(engine.host))
    const group = { atSeconds: 60, firing: new Set(['abcdefgh']) }
    await alerts.update((state) => ({ ...state, groups: new Map([['g', group]]) }))
    await sharedState.update(paused('abc'))
    expect(engine.config('orrery-alerts')?.labels).toEqual({ 'group.g': '1o:abcdefgh' })
    expect(engine.config('orrery-state')?.labels).toEqual({ 'pause.abc': '{"scope":"both","since":1}' })
    const other = await inSync(swarmOn(engine.host))
    expect(other.alerts.current().groups.get('g')).toEqual(group)
    engine.setConfig('orrery-alerts', {})
    await eventually(() => other.alerts.current().groups.size === 0)
    expect(other.sharedState.current().pauses.size).toBe(1)
  })

  it('loses no update of two controllers that write at once, from the very first', async () => {
    const engine = await fakeEngine()
    const stores = await Promise.all([inSync(swarmOn(engine.host)), inSync(swarmOn(engine.host))])
    const ids = Array.from({ length: 20 }, (_, index) => `service${index}`)
    await Promise.all(ids.map((id, index) => stores[index % 2]?.sharedState.update(paused(id))))
    expect(Object.keys(engine.config('orrery-state')?.labels ?? {})).toHaveLength(20)
    for (const { sharedState } of stores) await eventually(() => sharedState.current().pauses.size === 20)
  })

  it('re-reads when another controller created the config first', async () => {
    const { engine, sharedState, labels } = await setup()
    const first = () => engine.setConfig('orrery-state', { 'pause.theirs': '{"scope":"up","since":1}' })
    engine.inject('POST /configs/create', { before: first })
    await sharedState.update(paused('ours'))
    expect(Object.keys(labels() ?? {}).sort()).toEqual(['pause.ours', 'pause.theirs'])
  })

  it('is made anew when somebody removed the config', async () => {
    const { engine, sharedState, labels } = await setup({ 'pause.abc': '{"scope":"both","since":1}' })
    engine.inject('POST /configs/{id}/update', { before: () => engine.removeConfig('orrery-state') })
    await sharedState.update(paused('def'))
    expect(Object.keys(labels() ?? {})).toEqual(['pause.def'])
  })

  it('changes once though the first answer was lost', async () => {
    const { engine, sharedState, labels } = await setup({ 'later.a': 'b' })
    engine.inject('POST /configs/{id}/update', { reset: 'after' })
    let changes = 0
    await sharedState.update((state) => {
      changes += 1
      return paused('abc')(state)
    })
    expect(changes).toBe(2)
    expect(labels()).toMatchObject({ 'pause.abc': '{"scope":"both","since":1}' })
    expect(engine.count('POST /configs/{id}/update')).toBe(1)
  })

  it('gives up after 5 conflicts in a row, and says so', async () => {
    const { engine, sharedState } = await setup({ 'later.a': '0' })
    let count = 0
    const faster = () => {
      count += 1
      engine.setConfig('orrery-state', { 'later.a': String(count) })
    }
    engine.inject('POST /configs/{id}/update', { before: faster }, 50)
    await expect(sharedState.update(paused('abc'))).rejects.toMatchObject({ code: 'conflicts-exhausted' })
    expect(count).toBe(6)
  })

  it('says that the engine is not available when it is not, and works again afterwards', async () => {
    const { engine, sharedState, labels } = await setup()
    engine.role = 'worker'
    await expect(sharedState.update(paused('abc'))).rejects.toMatchObject({ code: 'engine-unavailable' })
    engine.role = 'manager'
    await sharedState.update(paused('abc'))
    expect(labels()).toHaveProperty(['pause.abc'])
  })

  it('says that it is refused when a proxy forbids to write', async () => {
    const { engine, sharedState } = await setup({ 'later.a': '0' })
    engine.inject('POST /configs/{id}/update', { status: 403, message: 'forbidden' })
    await expect(sharedState.update(paused('abc'))).rejects.toMatchObject({
      code: 'write-rejected',
      message: expect.stringContaining('forbidden'),
    })
    expect(engine.count('POST /configs/{id}/update')).toBe(1)
  })

  it('passes on what goes wrong in the change itself', async () => {
    const { sharedState } = await setup()
    const change = () => {
      throw new TypeError('a bug')
    }
    await expect(sharedState.update(change)).rejects.toThrow('a bug')
    await sharedState.update(paused('abc'))
  })

  it('is not rolled back by a manager that serves old data', async () => {
    const { engine, sharedState } = await setup({ 'pause.abc': '{"scope":"both","since":1}' })
    const old = JSON.stringify([
      { ID: engine.config('orrery-state')?.id, Version: { Index: 1 }, Spec: { Name: 'orrery-state', Labels: {} } },
    ])
    engine.inject('GET /configs', { body: old })
    engine.muteEvents(true)
    engine.sendRaw('{"Type":"config","Action":"update","Actor":{"ID":"x","Attributes":{"name":"orrery-state"}}}\n')
    await eventually(() => engine.count('GET /configs') === 1)
    await sleep(30)
    expect(sharedState.current().pauses.has('abc')).toBe(true)
  })
})
