import { describe, expect, it } from 'vitest'
import { eligible } from '../../../../src/bootstrap/capacity/task-places.ts'
import { placement, swarmNode } from '../../../support/builders/addresses.ts'

const lab = swarmNode(0, {
  id: 'abc',
  hostname: 'lab-1',
  labels: { zone: 'North', 'orrery.network.vlan40': 'ready', Case: 'x' },
  engineLabels: { storage: 'ssd' },
})

describe('a node that Swarm may give a task', () => {
  it.each([
    { name: 'is ready and active', over: {}, answer: 'yes' },
    { name: 'is not down', over: { state: 'down' as const }, answer: 'no' },
    { name: 'is not drained', over: { availability: 'drain' as const }, answer: 'no' },
    { name: 'is not paused', over: { availability: 'pause' as const }, answer: 'no' },
  ])('$name', ({ over, answer }) => {
    expect(eligible({ ...lab, ...over }, placement())).toBe(answer)
  })

  it.each([
    { constraint: 'node.id == abc', answer: 'yes' },
    { constraint: 'node.id==ABC', answer: 'yes' },
    { constraint: 'node.id!=abc', answer: 'no' },
    { constraint: 'node.hostname == LAB-1', answer: 'yes' },
    { constraint: 'node.hostname == lab', answer: 'no' },
    { constraint: 'NODE.Role == manager', answer: 'yes' },
    { constraint: 'node.role != manager', answer: 'no' },
    { constraint: 'node.platform.os == linux', answer: 'yes' },
    { constraint: 'node.platform.arch == x86_64', answer: 'yes' },
    { constraint: 'node.platform.arch == aarch64', answer: 'no' },
    { constraint: 'node.platform.arch == amd64', answer: 'maybe' },
    { constraint: 'node.platform.arch != amd64', answer: 'maybe' },
    { constraint: 'node.labels.zone == north', answer: 'yes' },
    { constraint: 'Node.Labels.zone != north', answer: 'no' },
    { constraint: 'node.labels.case == x', answer: 'no' },
    { constraint: 'node.labels.missing == x', answer: 'no' },
    { constraint: 'node.labels.missing != x', answer: 'yes' },
    { constraint: 'node.labels.constructor != x', answer: 'yes' },
    { constraint: 'node.labels.orrery.network.vlan40 == ready', answer: 'yes' },
    { constraint: 'engine.labels.storage == SSD', answer: 'yes' },
    { constraint: 'engine.labels.storage != ssd', answer: 'no' },
    { constraint: 'node.labels. == x', answer: 'maybe' },
    { constraint: 'node.ip == 10.0.0.0/8', answer: 'maybe' },
    { constraint: 'node.mood == good', answer: 'maybe' },
    { constraint: 'node.labels.zone ~= north', answer: 'maybe' },
  ])('with $constraint: $answer', ({ constraint, answer }) => {
    expect(eligible(lab, placement({ constraints: [constraint] }))).toBe(answer)
  })

  it('meets every constraint; one that is not known leaves it open', () => {
    const constraints = ['node.role == manager', 'node.ip == 10.0.0.1']
    expect(eligible(lab, placement({ constraints }))).toBe('maybe')
    expect(eligible(lab, placement({ constraints: [...constraints, 'node.id != abc'] }))).toBe('no')
  })

  it.each([
    { platforms: [], answer: 'yes' },
    { platforms: [{ os: 'linux', architecture: 'amd64' }], answer: 'yes' },
    { platforms: [{ os: 'linux', architecture: '' }], answer: 'yes' },
    { platforms: [{ os: 'windows', architecture: 'amd64' }], answer: 'no' },
    {
      platforms: [
        { os: 'linux', architecture: 'arm64' },
        { os: 'linux', architecture: 'x86_64' },
      ],
      answer: 'yes',
    },
    { platforms: [{ os: 'linux', architecture: 'arm64' }], answer: 'no' },
  ])('runs one of $platforms: $answer', ({ platforms, answer }) => {
    expect(eligible(lab, placement({ platforms }))).toBe(answer)
  })
})
