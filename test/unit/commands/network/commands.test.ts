import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runProgram } from '../../../../src/commands/program.ts'
import { startFakeEngine } from '../../../support/fake-engine/fake-engine.ts'
import { fakeConsole } from './fake-session.ts'

const folderWith = async (files: Readonly<Record<string, string>>) => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-networks-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}
const orrery = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const { io, out, err } = fakeConsole()
  const code = await runProgram(args, { ...io, env })
  return { code, out: out(), err: err() }
}

describe('orrery network', () => {
  it.each(['plan', 'apply', 'status', 'adopt', 'release', 'remove'])('%s has a help text', async (word) => {
    const { code, out } = await orrery(['network', word, '--help'])
    expect(code).toBe(0)
    expect(out).toContain(`orrery network ${word}`)
    expect(out).toContain('--json')
  })

  it('explains itself with examples', async () => {
    const { code, out } = await orrery(['network', '--help'])
    expect(code).toBe(0)
    for (const part of ['orrery network apply --allow-drain', 'DOCKER_HOST', 'ORRERY_NETWORK_DIR', 'Exit codes']) {
      expect(out).toContain(part)
    }
  })

  const wrong: { args: string[] }[] = [
    { args: [] },
    { args: ['sttus'] },
    { args: ['adopt'] },
    { args: ['release', 'vlan40'] },
    { args: ['apply', '--timeout', 'soon'] },
    { args: ['apply', '--timeout', '0'] },
    { args: ['plan', '--force'] },
    { args: ['plan', 'vlan40'] },
  ]
  it.each(wrong)('$args is wrong usage', async ({ args }) => {
    expect((await orrery(['network', ...args])).code).toBe(2)
  })

  it('says that the engine is not there, and all the same what is wrong with the definitions', async () => {
    const folder = await folderWith({ 'a.yaml': 'name: UPPER\n', 'b.yaml': 'name: [\n' })
    const env = { DOCKER_HOST: `unix://${folder}/none.sock`, ORRERY_NETWORK_DIR: folder }
    const { code, out, err } = await orrery(['network', 'plan'], env)
    expect([code, out]).toEqual([1, ''])
    for (const part of ['cannot be reached: there is no such socket', 'a.yaml name=UPPER', 'b.yaml: ']) {
      expect(err).toContain(part)
    }
  })

  it.each(['plan', 'status', 'apply'])('%s on the socket of a worker says that a manager is needed', async (word) => {
    const engine = await startFakeEngine()
    onTestFinished(() => engine.close())
    engine.role = 'worker'
    const env = { DOCKER_HOST: engine.host, ORRERY_NETWORK_DIR: await folderWith({}) }
    const { code, err } = await orrery(['network', word], env)
    expect(code).toBe(1)
    expect(err).toContain("is not a swarm manager: point DOCKER_HOST at a manager's engine, or promote this node.")
  })
})
