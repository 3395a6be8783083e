import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { completionScript } from '../../../src/commands/completion.ts'
import { runProgram } from '../../../src/commands/program.ts'
import { anAutoscaler, fakeCatalog } from '../../support/use-cases/fake-use-cases.ts'
import { listening, server } from '../../support/use-cases/http.ts'

const run = async (...args: string[]) => {
  const said = { out: '', err: '' }
  const code = await runProgram(args, {
    version: '0.0.0-test',
    // Nobody listens there: names are then left out.
    env: { ORRERY_URL: 'http://127.0.0.1:9' },
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
    isTerminal: false,
    onStop: () => undefined,
  })
  return { code, ...said }
}

/** What the shell offers after these words; the last one may be unfinished. `orrery` is the program itself. */
async function bashOffers(words: string, url: string): Promise<readonly string[]> {
  const script = `
orrery() { ORRERY_URL=${url} ${process.execPath} --import tsx src/main.ts "$@"; }
${completionScript('bash')}
read -ra COMP_WORDS <<<"orrery ${words}"
[[ "${words}" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
_orrery
printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await promisify(execFile)('bash', ['-c', script])
  return stdout.split('\n').filter(Boolean)
}

it('bash offers commands and, after them, the names that the controller knows', async () => {
  const { url } = await listening(server({ catalog: fakeCatalog([anAutoscaler('web'), anAutoscaler('worker')]) }))
  const [commands, names] = await Promise.all([bashOffers('pau', url), bashOffers('pause w', url)])
  expect(commands).toEqual(['pause'])
  expect(names).toEqual(['web', 'worker'])
})

describe('orrery complete', () => {
  it.each([
    { name: 'commands', words: ['de'], says: ['describe', 'decisions'] },
    { name: 'commands of a command', words: ['network', 'ap'], says: ['apply'] },
    { name: 'options', words: ['pause', 'web', '--d'], says: ['--direction'] },
    { name: 'what an argument may be', words: ['explain', 'web', ''], says: ['up', 'down'] },
    { name: 'nothing where nobody says the names', words: ['up', ''], says: [] },
    { name: 'nothing after nonsense', words: ['nonsense', 'and', 'more', 'x'], says: [] },
  ])('knows $name', async ({ words, says }) => {
    const { code, out } = await run('complete', '--', ...words)
    expect(code).toBe(0)
    expect(out.split('\n').filter(Boolean).sort()).toEqual([...says].sort())
  })

  it('hides itself, and the question of Docker’s client', async () => {
    const { out } = await run('complete', '--', '')
    expect(out).toContain('describe\n')
    expect(out).not.toMatch(/^complete$/m)
    expect(out).not.toContain('docker-cli-plugin-metadata')
  })
})

describe('wrong words', () => {
  it.each([
    { args: ['set', 'web', 'many'], says: 'write a whole number' },
    { args: ['explain', 'web', 'sideways'], says: 'up, down' },
    { args: ['pause', 'web', '--for', 'soon'], says: 'write a duration such as 30s or 5m' },
    { args: ['pause', 'web', '--direction', 'left'], says: 'up, down, both' },
    { args: ['describe', 'web', 'web2'], says: 'too many arguments' },
  ])('$args are a usage error that says what is right', async ({ args, says }) => {
    const { code, err } = await run(...args)
    expect(code).toBe(2)
    expect(err).toContain(says)
  })
})

describe("Docker's own client", () => {
  it('finds a plugin', async () => {
    const { out } = await run('docker-cli-plugin-metadata')
    expect(JSON.parse(out)).toMatchObject({ SchemaVersion: '0.1.0', Version: '0.0.0-test' })
  })
})
