import { describe, expect, it } from 'vitest'
import {
  connectionError,
  EngineError,
  isReset,
  statusSentence,
  stepResult,
  writeResult,
} from '../../../../src/adapters/swarm/engine/engine-errors.ts'

const systemError = (code: string, syscall?: string) =>
  Object.assign(new Error(`${syscall ?? 'read'} ${code}`), { code, syscall })
const answered = (status: number, detail: string) =>
  new EngineError('status', statusSentence('POST /services/{id}/update', 'unix:///s', status, detail), {
    status,
    detail,
  })
const broken = (code: string, syscall?: string) =>
  connectionError('POST /services/{id}/update', 'unix:///s', systemError(code, syscall))

describe('how a write that failed is classified', () => {
  const cases = [
    {
      name: 'a stale version is a conflict, though the engine says 500',
      error: answered(500, 'rpc error: code = Unknown desc = update out of sequence'),
      kind: 'conflict',
    },
    { name: 'another 500 may be in force', error: answered(500, 'context deadline exceeded'), kind: 'unknown' },
    {
      name: 'no leader may be in force: the manager asks again after a broken connection to the leader',
      error: answered(500, 'rpc error: code = Unknown desc = The swarm does not have a leader.'),
      kind: 'unknown',
    },
    { name: 'a 503 of some proxy may be in force', error: answered(503, 'upstream timed out'), kind: 'unknown' },
    { name: 'a 502 may be in force', error: answered(502, ''), kind: 'unknown' },
    { name: 'a 429 may be in force', error: answered(429, 'slow down'), kind: 'unknown' },
    {
      name: 'a worker has written nothing',
      error: answered(503, 'This node is not a swarm manager. Worker …'),
      kind: 'unsent',
    },
    {
      name: 'an engine outside of a swarm has written nothing',
      error: answered(503, 'This node is not part of a swarm'),
      kind: 'unsent',
    },
    { name: 'a service that is gone', error: answered(404, 'service abc not found'), kind: 'gone' },
    {
      name: 'a network that is gone is no service that is gone',
      error: answered(404, 'network abc not found'),
      kind: 'rejected',
    },
    { name: 'a path that a proxy does not know', error: answered(404, 'page not found'), kind: 'rejected' },
    {
      name: 'a spec that the engine refuses',
      error: answered(400, 'rpc error: code = InvalidArgument'),
      kind: 'rejected',
    },
    { name: 'a proxy that forbids writing', error: answered(403, ''), kind: 'rejected' },
    { name: 'a name that is taken', error: answered(409, 'rpc error: code = AlreadyExists'), kind: 'rejected' },
    { name: 'no socket', error: broken('ENOENT', 'connect'), kind: 'unsent' },
    { name: 'no permission', error: broken('EACCES', 'connect'), kind: 'unsent' },
    { name: 'nothing listening', error: broken('ECONNREFUSED', 'connect'), kind: 'unsent' },
    { name: 'no such host', error: broken('ENOTFOUND', 'getaddrinfo'), kind: 'unsent' },
    { name: 'a certificate that is not trusted', error: broken('DEPTH_ZERO_SELF_SIGNED_CERT'), kind: 'unsent' },
    { name: 'a reset after it was sent', error: broken('ECONNRESET'), kind: 'unknown' },
    { name: 'a broken pipe', error: broken('EPIPE', 'write'), kind: 'unknown' },
    { name: 'a time-out', error: new EngineError('unanswered', 'late', { detail: 'ETIMEDOUT' }), kind: 'unknown' },
    { name: 'half of an answer', error: new EngineError('malformed', 'half'), kind: 'unknown' },
  ]

  it.each(cases)('$name', ({ error, kind }) => {
    expect(writeResult(error).kind).toBe(kind)
  })
})

describe('what people are told', () => {
  const cases = [
    {
      detail: "This node is not a swarm manager. Worker nodes can't …",
      words: "point DOCKER_HOST at a manager's engine",
    },
    { detail: 'This node is not part of a swarm', words: 'docker swarm init' },
    {
      detail: 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node …',
      words: 'is not part of a swarm: run "docker swarm init" or "join"',
    },
    { detail: 'Swarm is encrypted and needs to be unlocked', words: 'docker swarm unlock' },
    { detail: 'The swarm does not have a leader. It is possible …', words: 'more than half of its managers' },
    { detail: 'anything else', words: 'GET /swarm at unix:///s answered 500: anything else' },
  ]

  it.each(cases)('of "$detail"', ({ detail, words }) => {
    expect(statusSentence('GET /swarm', 'unix:///s', 500, detail)).toContain(words)
  })

  it('names the address and the remedy when the socket is missing or closed to us', () => {
    expect(broken('ENOENT', 'connect').message).toBe(
      'The engine at unix:///s cannot be reached: there is no such socket: mount the engine socket, or set DOCKER_HOST.',
    )
    expect(broken('EACCES', 'connect').message).toContain('no permission to use the socket')
  })

  it('keeps a system error code that it has no words for', () => {
    expect(broken('ESTALE', 'connect').message).toContain('connect ESTALE')
  })
})

describe('a closed connection', () => {
  it('is worth a second try of a read, a refused one is not', () => {
    expect(isReset(broken('ECONNRESET'))).toBe(true)
    expect(isReset(broken('ECONNREFUSED', 'connect'))).toBe(false)
    expect(isReset(answered(500, ''))).toBe(false)
  })
})

describe('how a step on a node or a network that failed is classified', () => {
  const cases = [
    { name: 'a network that is gone', error: answered(404, 'network abc not found'), kind: 'gone' },
    {
      name: 'a network that somebody else is creating',
      error: answered(500, 'rpc error: code = Unknown desc = name conflicts with an existing object'),
      kind: 'conflict',
    },
    { name: 'a network that somebody else is removing', error: answered(500, 'network abc not found'), kind: 'gone' },
    { name: 'another 500', error: answered(500, 'network abc has active endpoints'), kind: 'unknown' },
    {
      name: 'a node that is gone is no network that is gone',
      error: answered(404, 'node abc not found'),
      kind: 'rejected',
    },
  ]
  it.each(cases)('$name is $kind', ({ error, kind }) => {
    expect(stepResult(error, 'network').kind).toBe(kind)
  })
})
