import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTask } from '../../../../src/adapters/swarm/tasks/task-mapper.ts'
import { readWatchMessage, WATCH_REQUEST } from '../../../../src/adapters/swarm/tasks/watch-message.ts'
import { encodeTask } from '../../../support/fake-engine/fake-watch.ts'

/** A field of bytes; lengths below 2^14. */
const field = (number: number, bytes: Uint8Array) =>
  Buffer.concat([Buffer.from([number * 8 + 2, (bytes.length & 0x7f) | 0x80, bytes.length >> 7]), bytes])
const message = (action: number, task: Uint8Array) =>
  field(1, Buffer.concat([Buffer.from([0x08, action]), field(2, field(4, task))]))

const STATES = ['new', 'pending', 'assigned', 'accepted', 'preparing', 'ready', 'starting', 'running', 'complete']
const state = fc.constantFrom(...STATES, 'shutdown', 'failed', 'rejected', 'remove', 'orphaned')
const id = fc.stringMatching(/^[a-z0-9]{25}$/)
const time = fc
  .date({ min: new Date(1), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => `${date.toISOString().slice(0, -1)}123456Z`)
const rawTask = fc.record(
  {
    ID: id,
    Version: fc.record({ Index: fc.integer({ min: 0, max: 2 ** 50 }) }),
    CreatedAt: time,
    UpdatedAt: time,
    ServiceID: id,
    Slot: fc.integer({ min: 1, max: 100_000 }),
    NodeID: id,
    DesiredState: state,
    Spec: fc.record({ Networks: fc.array(fc.record({ Target: id }), { maxLength: 3 }) }),
    Status: fc.record(
      {
        Timestamp: time,
        State: state,
        Message: fc.string(),
        Err: fc.string({ unit: 'grapheme' }),
        ContainerStatus: fc.record({ ContainerID: id }),
      },
      { requiredKeys: ['State'] },
    ),
    NetworksAttachments: fc.array(fc.record({ Network: fc.record({ ID: id }) }), { maxLength: 3 }),
  },
  { requiredKeys: ['ID', 'Version', 'ServiceID', 'DesiredState', 'Status', 'Spec'] },
)

describe('a message of the watch', () => {
  it('says of a task what the list says of it', () => {
    fc.assert(
      fc.property(rawTask, fc.constantFrom(1, 2), (raw, action) => {
        expect(readWatchMessage(message(action, encodeTask(raw)))).toEqual([{ stored: readTask(raw) }])
      }),
    )
  })

  it('throws when it is cut short, wherever, and never reads beyond its end', () => {
    const whole = message(2, encodeTask(fc.sample(rawTask, { numRuns: 1, seed: 7 })[0] ?? {}))
    for (let length = 1; length < whole.length; length += 1) {
      expect(() => readWatchMessage(whole.subarray(0, length))).toThrow(RangeError)
    }
  })

  it('throws RangeError or says nothing wrong for bytes of whatever kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          for (const change of readWatchMessage(bytes)) expect('stored' in change || 'removed' in change).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
    )
  })

  it('of a removal names the task, and the first one is empty', () => {
    const gone = message(4, encodeTask({ ID: 't1', Version: { Index: 3 }, ServiceID: 's', Status: {}, Spec: {} }))
    expect(readWatchMessage(gone)).toEqual([{ removed: 't1' }])
    expect(readWatchMessage(new Uint8Array())).toEqual([])
  })

  it('leaves out what the list leaves out: other objects, attachments, plugins', () => {
    const attachment = Buffer.concat([
      field(1, Buffer.from('t1')),
      field(4, Buffer.from('s1')),
      field(3, field(8, Buffer.from('x'))),
    ])
    expect(readWatchMessage(message(1, attachment))).toEqual([])
    const node = field(1, Buffer.concat([Buffer.from([0x08, 1]), field(2, field(1, Buffer.from('node')))]))
    expect(readWatchMessage(node)).toEqual([])
  })

  it('keeps a task in a state that is not known yet', () => {
    const raw = Buffer.concat([
      ...[field(1, Buffer.from('t1')), field(4, Buffer.from('s1')), field(3, field(1, Buffer.alloc(1)))],
      field(9, Buffer.from([0x10, 0xff, 0x07])),
    ])
    expect(readWatchMessage(message(1, raw.subarray(0)))).toMatchObject([{ stored: { task: { state: 'state-1023' } } }])
  })

  it('is asked for by an entry of kind task and every action', () => {
    expect(WATCH_REQUEST.toString('latin1')).toBe('\n\x08\n\x04task\x10\x07')
  })
})
