import { expect, it } from 'vitest'
import { createLogger } from '../../../src/adapters/logging/logger.ts'

const logging = (level = 'info') => {
  const lines: string[] = []
  return { lines, logger: createLogger({ level, destination: { write: (line) => lines.push(line) } }) }
}

it('a line is one JSON object with the time in UTC, the level as a word, and the fields', () => {
  const { logger, lines } = logging()
  logger.info({ event: 'scaled', from: 3 }, 'web scaled')
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    level: 'info',
    event: 'scaled',
    from: 3,
    msg: 'web scaled',
  })
})

it('what is below the level is not written', () => {
  const { logger, lines } = logging('warn')
  logger.info({}, 'quiet')
  expect(lines).toEqual([])
})

it('an error is written with its cause and without what a client library hung on it', () => {
  const { logger, lines } = logging()
  const cause = Object.assign(new Error('refused'), {
    code: 'ECONNREFUSED',
    request: { headers: { 'x-key': 'hunter2' } },
  })
  logger.error({ err: new TypeError('outer', { cause }) }, 'failed')
  expect(JSON.parse(lines[0] ?? '').err).toMatchObject({
    type: 'TypeError',
    message: 'outer',
    cause: { type: 'Error', message: 'refused', code: 'ECONNREFUSED' },
  })
  expect(lines.join()).not.toContain('hunter2')
})

it('what is thrown and is no error is written all the same', () => {
  const { logger, lines } = logging()
  logger.error({ err: 'just text' }, 'failed')
  expect(JSON.parse(lines[0] ?? '').err).toEqual({ message: 'just text' })
})

it.each([
  { authorization: 'hunter2' },
  { req: { headers: { authorization: 'hunter2' } } },
  { headers: { cookie: 'hunter2' } },
  { config: { password: 'hunter2', token: 'hunter2' } },
  { calls: [{ secret: 'hunter2' }] },
  { headers: { 'x-orrery-token': ['hunter2'] } },
])('a secret in %j is covered', (fields) => {
  const { logger, lines } = logging()
  logger.info(fields, 'carelessly')
  expect(lines.join()).toContain('***')
  expect(lines.join()).not.toContain('hunter2')
})

it('what is logged is not changed by that, and the rest of it is written', () => {
  const { logger, lines } = logging()
  const fields = { caller: { name: 'ops', token: 'hunter2' }, tags: ['a', { pass: 'hunter2' }] }
  logger.info(fields, 'carelessly')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    caller: { name: 'ops', token: '***' },
    tags: ['a', { pass: '***' }],
  })
  expect(fields).toEqual({ caller: { name: 'ops', token: 'hunter2' }, tags: ['a', { pass: 'hunter2' }] })
})

it('a line holds no character that a screen obeys or hides, and is the same JSON', () => {
  const { logger, lines } = logging()
  const hostile = 'x\u001b[2J\u009b31m\u007f\u202e\u2066\u200b\u2028\nlevel=info'
  logger.warn({ event: 'agent-fault', detail: hostile }, hostile)
  expect(lines.join('')).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+\n$/u)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ detail: hostile, msg: hostile })
})
