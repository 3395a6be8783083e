/** scripts/make-tokens.sh, with a stand-in for Docker that keeps secrets, and which of them the controllers have. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { root as repository } from '../docs/markdown.ts'

const run = promisify(execFile)
const script = join(repository, 'scripts/make-tokens.sh')
const fakeDocker = `#!/bin/sh
case "$1 $2" in
'secret ls') ls secrets; echo other ;;
'secret create') [ "$3 $4" = '--label orrery.role=tokens' ] && cat >"secrets/$5" ;;
'secret rm') if grep -qx "$3" used; then exit 1; fi; rm "secrets/$3" ;;
'service ls') if [ -s used ]; then echo id1; fi ;;
'service inspect') tr '\\n' ' ' <used ;;
'service update') echo "$@" >>updates; echo "$@" | sed 's/.*source=\\([^,]*\\),.*/\\1/' >used ;;
*) echo "not expected: $*" >&2; exit 9 ;;
esac
`
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'orrery-tokens-'))
  for (const folder of ['bin', 'secrets']) await mkdir(join(root, folder))
  await writeFile(join(root, 'bin/docker'), fakeDocker, { mode: 0o755 })
  await writeFile(join(root, 'used'), '')
})
afterEach(async () => await rm(root, { recursive: true }))

const makeTokens = async (...args: string[]) =>
  (await run('sh', [script, ...args], { cwd: root, env: { PATH: `${join(root, 'bin')}:${process.env.PATH}` } })).stdout
const linesOf = async (path: string) => (await readFile(join(root, path), 'utf8')).split('\n').filter(Boolean)
const secrets = async () => (await readdir(join(root, 'secrets'))).sort()

describe('make-tokens.sh', () => {
  it('makes a token that only its owner may read, and the secret with it', async () => {
    expect(await makeTokens()).toContain('the secret orrery-tokens is made')
    const made = [expect.stringMatching(/^scale [0-9a-f]{48}$/), expect.stringMatching(/^read [0-9a-f]{48}$/)]
    expect(await linesOf('orrery-tokens')).toEqual(made)
    expect((await stat(join(root, 'orrery-tokens'))).mode & 0o777).toBe(0o600)
    expect(await linesOf('secrets/orrery-tokens')).toEqual(await linesOf('orrery-tokens'))
  })

  it('changes nothing the second time, and says how to', async () => {
    await makeTokens()
    const before = await linesOf('orrery-tokens')
    expect(await makeTokens()).toContain('to replace it: sh scripts/make-tokens.sh --rotate')
    expect([await linesOf('orrery-tokens'), await secrets()]).toEqual([before, ['orrery-tokens']])
  })

  it('does not make a file whose token nobody knows', async () => {
    await makeTokens()
    await rm(join(root, 'orrery-tokens'))
    await expect(makeTokens()).rejects.toThrow('its tokens are not in orrery-tokens: name the file that has them')
    await expect(makeTokens('--rotate')).rejects.toThrow('orrery-tokens is not there')
  })

  it('rotates: old and new tokens count, then the new ones alone, and no secret is left over', async () => {
    await makeTokens()
    const old = await linesOf('orrery-tokens')
    await writeFile(join(root, 'used'), 'orrery-tokens\n')
    const rotated = await makeTokens('--rotate')
    const both = await linesOf('orrery-tokens')
    expect(both.map((line) => line.split(' ')[0])).toEqual(['scale', 'read', '#', 'scale', 'read'])
    expect(both.slice(3)).toEqual(old)
    expect(new Set(both).size).toBe(5)
    expect([await secrets(), await linesOf('secrets/orrery-tokens-2')]).toEqual([['orrery-tokens-2'], both])
    expect(rotated).toContain('deploy with ORRERY_TOKENS_SECRET=orrery-tokens-2')

    await makeTokens('--finish')
    const renewed = both.slice(0, 2)
    expect(await linesOf('orrery-tokens')).toEqual(renewed)
    expect([await secrets(), await linesOf('secrets/orrery-tokens-3')]).toEqual([['orrery-tokens-3'], renewed])
    expect((await linesOf('updates'))[1]).toMatch(
      /--secret-rm orrery-tokens-2 --secret-add source=orrery-tokens-3,target=orrery-tokens id1$/,
    )
  })

  it('keeps each role and name, however many there are, and what was renewed twice', async () => {
    await writeFile(join(root, 'orrery-tokens'), '# ours\nread aaa\nscale bbb ci\nscale ccc grafana\nscale ddd\n')
    await makeTokens()
    await makeTokens('--rotate')
    await makeTokens('--rotate')
    expect((await linesOf('orrery-tokens')).filter((line) => line.startsWith('scale'))).toHaveLength(9)
    await makeTokens('--finish')
    const words = (await linesOf('orrery-tokens')).map((line) => line.replace(/ [0-9a-f]{48}/, ''))
    expect(words).toEqual(['read', 'scale ci', 'scale grafana', 'scale'])
  })

  it('works in a folder of another name, without controllers', async () => {
    await makeTokens('mine')
    await makeTokens('--rotate', 'mine')
    expect([await secrets(), (await linesOf('mine')).length]).toEqual([['orrery-tokens-2'], 5])
  })
})
