/** scripts/set-up.sh, with a stand-in for npm that notes how it was called. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'

const run = promisify(execFile)
const script = join(import.meta.dirname, '../../../scripts/set-up.sh')
const fakeNpm = `#!/bin/sh
echo "$@" >>calls
sleep 0.1
mkdir -p node_modules
touch node_modules/.package-lock.json
`
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'orrery-set-up-'))
  for (const folder of ['scripts', 'bin']) await mkdir(join(root, folder))
  await copyFile(script, join(root, 'scripts/set-up.sh'))
  await writeFile(join(root, 'bin/npm'), fakeNpm, { mode: 0o755 })
  await writeFile(join(root, 'package-lock.json'), '{}')
  await age('package-lock.json', 60)
})
afterEach(async () => await rm(root, { recursive: true }))

const age = async (file: string, seconds: number) => {
  const time = new Date(Date.now() - seconds * 1000)
  await utimes(join(root, file), time, time)
}
const setUp = (...program: string[]) =>
  run('sh', [join(root, 'scripts/set-up.sh'), ...program], {
    cwd: tmpdir(),
    env: { PATH: `${join(root, 'bin')}:${process.env.PATH}` },
  })
const installs = async () => (await readFile(join(root, 'calls'), 'utf8').catch(() => '')).split('\n').filter(Boolean)

it('installs in a fresh clone, says so, and then runs the program with its arguments', async () => {
  const { stdout } = await setUp('echo', 'started with', '--once')
  expect(stdout).toMatch(/^installing .*\nstarted with --once\n$/)
  expect(await installs()).toEqual(['ci --include=dev'])
})

it('installs nothing when all is there, and prints nothing of its own', async () => {
  await setUp('true')
  expect((await setUp('echo', 'started')).stdout).toBe('started\n')
  expect(await installs()).toHaveLength(1)
})

it('installs again when package-lock.json has changed since', async () => {
  await setUp('true')
  await age('node_modules/.package-lock.json', 120)
  await setUp('true')
  expect(await installs()).toHaveLength(2)
})

it('installs once when two first runs start at the same time', async () => {
  await Promise.all([setUp('true'), setUp('true')])
  expect(await installs()).toHaveLength(1)
})

it('does not start the program when the install fails', async () => {
  await writeFile(join(root, 'bin/npm'), '#!/bin/sh\nexit 3\n', { mode: 0o755 })
  const failed = await setUp('echo', 'started').catch((error: { code: number; stdout: string }) => error)
  expect(failed).toMatchObject({ code: 3, stdout: expect.not.stringContaining('started') })
})

it('ends with the exit code of the program', async () => {
  await expect(setUp('sh', '-c', 'exit 7')).rejects.toMatchObject({ code: 7 })
})
