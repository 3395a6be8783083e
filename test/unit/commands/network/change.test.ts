import { describe, expect, it } from 'vitest'
import type { ChangeResult, OnProgress, Progress } from '../../../../src/bootstrap/reconcile/progress.ts'
import { networkAdopt, networkApply, networkRelease, networkRemove } from '../../../../src/commands/network/change.ts'
import type { NetworkSession } from '../../../../src/commands/network/session.ts'
import { aPlan, aResult, fakeConsole, fakeSession } from './fake-session.ts'

const NOBODY = { reason: 'no controller answers', isThere: false }

/** A change that tells these lines and ends so, with what it was asked. */
const recording = (result: Partial<ChangeResult> = {}, told: readonly Progress[] = []) => {
  const asked: unknown[] = []
  const run = async (wish: object, tell?: OnProgress) => {
    asked.push(wish)
    for (const progress of told) tell?.(progress)
    return aResult(result)
  }
  return { asked, bootstrap: { apply: run, adopt: run, remove: run, release: run } }
}
const ended = async (
  change: (session: NetworkSession, io: ReturnType<typeof fakeConsole>['io']) => Promise<number>,
  session: NetworkSession,
) => {
  const { io, out, err } = fakeConsole()
  const code = await change(session, io)
  return { code, out: out(), err: err() }
}
const apply =
  (options: Parameters<typeof networkApply>[1] = {}) =>
  (session: NetworkSession, io: ReturnType<typeof fakeConsole>['io']) =>
    networkApply(session, options, io)

describe('orrery network apply', () => {
  it('tells each step of each node as it goes, and what came of it', async () => {
    const network = 'vlan40'
    const { bootstrap } = recording({ outcome: 'done', done: ['a', 'b'] }, [
      { network, step: 'write-record', state: 'begun', text: 'give worker1 172.80.2.0/24' },
      { network, step: 'write-record', state: 'done', text: 'give worker1 172.80.2.0/24' },
      { network, node: 'worker1', step: 'wait', state: 'waiting', text: 'its agent makes the config-only network' },
      { network, node: 'worker1', step: 'write-node', state: 'done', text: 'label worker1 ready' },
    ])
    const { code, out } = await ended(apply(), fakeSession({ bootstrap }))
    expect(code).toBe(0)
    expect(out).toBe(`vlan40: done: give worker1 172.80.2.0/24
vlan40 worker1: waiting: its agent makes the config-only network
vlan40 worker1: done: label worker1 ready
Done: 2 steps, and everything matches the definition.
`)
  })

  const ends: { name: string; result: Partial<ChangeResult>; code: number; says: RegExp }[] = [
    {
      name: 'nothing to do',
      result: { outcome: 'unchanged' },
      code: 0,
      says: /^Nothing to do: everything matches the definition\.\n$/,
    },
    {
      name: 'nothing to remove',
      result: { outcome: 'unchanged', reason: 'No network vlan40 is active' },
      code: 0,
      says: /^Nothing to do: No network vlan40 is active\.\n$/,
    },
    {
      name: 'a refusal',
      result: {
        outcome: 'refused',
        reason: 'another network has the subnet',
        problems: [{ network: 'vlan40', code: 'same-subnet', message: 'remove lan40' }],
      },
      code: 1,
      says: /^Refused, nothing was touched: another network has the subnet\.\n {2}! vlan40: same-subnet: remove lan40\n$/,
    },
    {
      name: 'a refusal whose reason is the problem itself',
      result: {
        outcome: 'refused',
        reason: 'remove lan40',
        problems: [{ network: 'vlan40', code: 'same-subnet', message: 'remove lan40' }],
      },
      code: 1,
      says: /^Refused, nothing was touched\.\n {2}! vlan40: same-subnet: remove lan40\n$/,
    },
    {
      name: 'a reason that names what is left',
      result: { outcome: 'waiting', reason: 'Nothing has changed for 3 s: label worker2', left: ['label worker2'] },
      code: 1,
      says: /^0 steps done; .*: Nothing has changed for 3 s\. Run it again.*\n {2}left: label worker2\n$/,
    },
    {
      name: 'a failure',
      result: { outcome: 'failed', reason: 'the engine said no', done: ['a'], left: ['label worker2'] },
      code: 1,
      says: /^Failed after 1 step: the engine said no\.\n {2}left: label worker2\n$/,
    },
    {
      name: 'an agent that takes its time',
      result: { outcome: 'waiting', reason: 'worker2 is silent', done: ['a', 'b'], left: ['label worker2'] },
      code: 1,
      says: /^2 steps done; what is left others have not done yet: worker2 is silent\. Run it again.*\n {2}left: label worker2\n$/,
    },
    {
      name: 'a part that it was not allowed to do',
      result: {
        outcome: 'done',
        done: ['a'],
        problems: [{ network: 'vlan40', code: 'needs-drain', message: 'worker1' }],
      },
      code: 1,
      says: /needs-drain/,
    },
    {
      name: 'an orphan, which is kept',
      result: { problems: [{ network: 'old', code: 'orphaned', message: 'no file defines it' }] },
      code: 0,
      says: /orphaned/,
    },
  ]
  it.each(ends)('ends with $code after $name', async ({ result, code, says }) => {
    const done = await ended(apply(), fakeSession(recording(result)))
    expect([done.code, done.err]).toEqual([code, ''])
    expect(done.out).toMatch(says)
  })

  it('touches nothing while a definition has errors', async () => {
    const issues = [{ file: 'vlan40.yaml', level: 'error', message: 'no subnet' }] as const
    const { asked, bootstrap } = recording()
    const { code, err } = await ended(apply(), fakeSession({ bootstrap, definitions: { files: [], issues } }))
    expect([code, asked]).toEqual([1, []])
    expect(err).toContain('nothing was touched')
  })

  it('may drain and wait as long as it was told', async () => {
    const { asked, bootstrap } = recording()
    await ended(apply({ allowDrain: true, timeout: '5m' }), fakeSession({ bootstrap }))
    await ended(apply(), fakeSession({ bootstrap }))
    expect(asked).toEqual([
      { mode: 'apply', allowDrain: true, patienceMs: 300_000 },
      { mode: 'apply', allowDrain: false },
    ])
  })

  it('without a controller does its part, does not wait for agents that nobody tells, and says how it goes on', async () => {
    const { asked, bootstrap } = recording({ outcome: 'waiting', done: ['a'], left: ['label worker1'] })
    const { code, out } = await ended(apply({ timeout: '5m' }), fakeSession({ bootstrap, unheard: () => NOBODY }))
    expect(code).toBe(1)
    expect(asked).toEqual([{ mode: 'apply', allowDrain: false, patienceMs: 3000 }])
    expect(out).toContain('What only agents know is unknown here: no controller answers.\n')
    expect(out).toContain('start one (`orrery serve`). Nothing is half done, and the next run goes on from here.\n')
  })

  it('with a controller that does not tell us anything waits as ever: agents hear it, and labels show', async () => {
    const { asked, bootstrap } = recording({ outcome: 'waiting' })
    const unheard = () => ({ reason: 'no-credential: send a token', isThere: true })
    const { out } = await ended(apply({ timeout: '5m' }), fakeSession({ bootstrap, unheard }))
    expect(asked).toEqual([{ mode: 'apply', allowDrain: false, patienceMs: 300_000 }])
    expect(out).not.toContain('orrery serve')
  })

  it('is one JSON object for machines, with the progress beside it', async () => {
    const network = 'vlan40'
    const told = [{ network, step: 'write-record', state: 'done', text: 'give' }] as const
    const { bootstrap } = recording({ outcome: 'done', done: ['give'] }, told)
    const { out, err } = await ended(apply({ json: true }), fakeSession({ bootstrap }))
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'done',
      done: ['give'],
      left: [],
      problems: [],
      plan: { problems: [] },
    })
    expect(err).toContain('vlan40: done: give\n')
  })
})

describe('the other changes', () => {
  it('are asked for what was written', async () => {
    const { asked, bootstrap } = recording({ outcome: 'done', done: ['x'] })
    const session = fakeSession({ bootstrap })
    const codes = [
      await ended((at, io) => networkAdopt(at, { network: 'vlan40', timeout: '1m' }, io), session),
      await ended((at, io) => networkRemove(at, { network: 'vlan40' }, io), session),
      await ended((at, io) => networkRelease(at, { network: 'vlan40', range: '172.80.7.0/24' }, io), session),
    ].map(({ code }) => code)
    expect(codes).toEqual([0, 0, 0])
    expect(asked).toEqual([
      { network: 'vlan40', patienceMs: 60_000 },
      { network: 'vlan40' },
      { network: 'vlan40', range: '172.80.7.0/24' },
    ])
  })

  it('a network that its file still defines is not removed where that makes it again, and said to be else', async () => {
    const { asked, bootstrap } = recording({ outcome: 'done', done: ['x'] })
    const files = [{ file: 'vlan40.yaml', name: 'vlan40' }]
    const session = { bootstrap: { ...bootstrap, plan: async () => aPlan() }, definitions: { files, issues: [] } }
    const auto = await ended(
      (at, io) => networkRemove(at, { network: 'vlan40' }, io),
      fakeSession({ ...session, isAuto: true }),
    )
    expect(auto.code).toBe(1)
    expect(auto.out).toContain('vlan40.yaml still defines vlan40')
    expect(asked).toEqual([])
    const told = await ended((at, io) => networkRemove(at, { network: 'vlan40' }, io), fakeSession(session))
    expect(told).toMatchObject({ code: 0, err: expect.stringContaining('vlan40.yaml still defines vlan40') })
    const other = await ended((at, io) => networkRemove(at, { network: 'second' }, io), fakeSession(session))
    expect(other).toMatchObject({ code: 0, err: '' })
  })

  it('adopt needs sound definitions; remove and release do not', async () => {
    const issues = [{ file: 'other.yaml', level: 'error', message: 'no subnet' }] as const
    const { bootstrap } = recording({ outcome: 'done' })
    const session = fakeSession({ bootstrap, definitions: { files: [], issues } })
    const adopt = await ended((at, io) => networkAdopt(at, { network: 'vlan40' }, io), session)
    const remove = await ended((at, io) => networkRemove(at, { network: 'vlan40' }, io), session)
    const release = await ended((at, io) => networkRelease(at, { network: 'vlan40', range: 'x' }, io), session)
    expect([adopt.code, remove.code, release.code]).toEqual([1, 0, 0])
  })
})
