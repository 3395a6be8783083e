import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openAgentMemory } from '../../../src/adapters/files/agent-memory.ts'
import type { WantedState } from '../../../src/swarm/wanted.ts'
import { recordingLogger } from '../swarm/swarm-fixture.ts'

const wanted: WantedState = { v: 1, nodeId: 'node-1', revision: 7, networks: [] }

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'orrery-memory-'))
  onTestFinished(async () => await rm(dir, { recursive: true, force: true }))
  return dir
}

async function memoryIn(dir: string) {
  const logger = recordingLogger()
  return { memory: await openAgentMemory({ dir, logger }), logger }
}

describe('what an agent remembers', () => {
  it('is there again after a start, in a folder that it makes itself', async () => {
    const dir = join(await folder(), 'state', 'orrery')
    const { memory } = await memoryIn(dir)
    expect(memory.wanted()).toBeUndefined()
    expect(memory.promiscuous()).toEqual(new Set())
    await memory.keepWanted(wanted)
    await memory.keepPromiscuous(new Set(['eth1', 'bond0']))
    await memory.keepAdopted(new Set(['id-of-a-network']))
    const { memory: again, logger } = await memoryIn(dir)
    expect(again.wanted()).toEqual(wanted)
    expect(again.promiscuous()).toEqual(new Set(['eth1', 'bond0']))
    expect(again.adopted()).toEqual(new Set(['id-of-a-network']))
    expect(logger.lines).toEqual([])
    expect((await readdir(dir)).toSorted()).toEqual(['adopted.json', 'promiscuous.json', 'wanted.json'])
  })

  it.each([
    { name: 'cut off', text: '{"v":1,"nodeId":"no' },
    { name: 'empty', text: '' },
    { name: 'of another shape', text: '{"v":1,"nodeId":"node-1","revision":"7","networks":[]}' },
    { name: 'of a later version', text: '{"v":2,"nodeId":"node-1","revision":7,"networks":[]}' },
  ])('is put aside when its file is $name, and another can be kept', async ({ text }) => {
    const dir = await folder()
    await writeFile(join(dir, 'wanted.json'), text)
    const { memory, logger } = await memoryIn(dir)
    expect(memory.wanted()).toBeUndefined()
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { event: 'state-put-aside' } }])
    expect(await readFile(join(dir, 'wanted.json.broken'), 'utf8')).toBe(text)
    await memory.keepWanted(wanted)
    expect((await memoryIn(dir)).memory.wanted()).toEqual(wanted)
  })

  it('counts in this process where it cannot be kept, and says so once', async () => {
    const dir = await folder()
    // Nothing can be written beside a folder of that name.
    await mkdir(join(dir, 'wanted.json.new'))
    const { memory, logger } = await memoryIn(dir)
    expect(memory.fault()).toBeUndefined()
    await memory.keepWanted(wanted)
    await memory.keepWanted({ ...wanted, revision: 8 })
    expect(memory.wanted()?.revision).toBe(8)
    expect(memory.fault()).toContain(dir)
    expect(logger.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
    await rm(join(dir, 'wanted.json.new'), { recursive: true })
    await memory.keepWanted(wanted)
    expect(memory.fault()).toBeUndefined()
  })
})
