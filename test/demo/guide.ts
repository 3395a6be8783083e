/** Does what a step of the tour shows, and shows it: the command line, and the answer that really came. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Dispatcher, request } from 'undici'
import type { LabNode } from '../lab/lab.ts'
import { formatJson, only } from './format-json.ts'
import { mainFile, repository } from './repository.ts'
import type { Screen } from './screen.ts'

export type Call = {
  method?: Dispatcher.HttpMethod
  /** With its query. */
  path: string
  headers?: Record<string, string>
  /** JSON text, or `@` and the path of a file in the repository, as curl takes it. */
  body?: string
  /** Dotted paths of the members to print; default all. */
  show?: readonly string[]
}

export type Guide = {
  /** One call with curl's words. The parsed body. */
  curl<Body = unknown>(call: Call): Promise<Body>
  /** As curl, piped into grep. The lines that match. */
  grep(path: string, pattern: string): Promise<string[]>
  /** Docker's own client, inside the first manager. */
  docker(...args: string[]): Promise<string>
  /** The same without a word. */
  quietly(...args: string[]): Promise<string>
  /** A GET without a word. */
  read(path: string): Promise<unknown>
  orrery(...args: string[]): Promise<string>
  /** The same on the first manager itself, with the definitions of the demo. */
  inside(...args: string[]): Promise<string>
  /** Prints a file of the repository. */
  show(path: string): Promise<void>
  /** Throws a Surprise unless `facts` are in `answer`. */
  expect(answer: unknown, facts: Record<string, unknown>): void
}

/** An answer that the tour does not expect. */
export class Surprise extends Error {}

export type GuideDeps = { screen: Screen; url: string; manager: LabNode; signal: AbortSignal }

export function createGuide({ screen, url, manager, signal }: GuideDeps): Guide {
  const fetchText = async ({ method = 'GET', path, headers = {}, body }: Call): Promise<string> => {
    const content = body?.startsWith('@') ? await readFile(join(repository, body.slice(1)), 'utf8') : body
    const answer = await request(`${url}${path}`, { method, headers, ...(content !== undefined && { body: content }) })
    return await answer.body.text()
  }
  const runDocker = async (args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await manager.run(['docker', ...args], { cwd: repository, timeoutMs: 60_000 })
    if (code !== 0) throw new Surprise(`docker ${args[0]}: exit code ${code}\n${stderr.trim()}`)
    return stdout
  }
  return {
    read: async (path) => parse(await fetchText({ path })),
    quietly: (...args) => runDocker(args),
    async curl<Body>(call: Call) {
      signal.throwIfAborted()
      screen.command('$', curlLine(url, call))
      const text = await fetchText(call)
      const body = parse(text)
      screen.answer(formatJson(only(body, call.show ?? [])))
      return body as Body
    },
    async grep(path, pattern) {
      signal.throwIfAborted()
      screen.command('$', `${curlLine(url, { path })} | grep -E '${pattern}'`)
      const lines = (await fetchText({ path })).split('\n').filter((line) => new RegExp(pattern).test(line))
      screen.answer(lines.join('\n'))
      return lines
    },
    async docker(...args) {
      signal.throwIfAborted()
      screen.command(`${manager.hostname}$`, ['docker', ...args.map(quoted)].join(' '))
      const stdout = await runDocker(args)
      screen.answer(stdout.trim())
      return stdout
    },
    async orrery(...args) {
      signal.throwIfAborted()
      const usual = url === 'http://127.0.0.1:8000'
      screen.command('$', `${usual ? '' : `ORRERY_URL=${url} `}node dist/main.js ${args.map(quoted).join(' ')}`)
      const env = { PATH: process.env.PATH, ORRERY_URL: url }
      const { stdout } = await promisify(execFile)(process.execPath, [mainFile, ...args], { env })
      screen.answer(stdout.trimEnd())
      return stdout
    },
    async inside(...args) {
      signal.throwIfAborted()
      const env = { ORRERY_NETWORK_DIR: 'test/demo/networks' }
      const words = [...Object.entries(env).map(([name, value]) => `${name}=${value}`), 'node', 'dist/main.js', ...args]
      screen.command(`${manager.hostname}$`, words.map(quoted).join(' '))
      const argv = [process.execPath, mainFile, ...args]
      const { code, stdout, stderr } = await manager.run(argv, { cwd: repository, env, timeoutMs: 60_000 })
      screen.answer(`${stdout}${stderr}`.trimEnd())
      if (code !== 0) throw new Surprise(`orrery ${args.join(' ')}: exit code ${code}`)
      return stdout
    },
    async show(path) {
      signal.throwIfAborted()
      screen.command('$', `cat ${path}`)
      screen.answer((await readFile(join(repository, path), 'utf8')).trimEnd())
    },
    expect(answer, facts) {
      const found = answer as Record<string, unknown>
      for (const [name, wanted] of Object.entries(facts)) {
        if (found[name] === wanted) continue
        throw new Surprise(`${name} is ${JSON.stringify(found[name])}, and should be ${JSON.stringify(wanted)}`)
      }
    },
  }
}

function curlLine(url: string, { method = 'GET', path, headers = {}, body }: Call): string {
  const words = [
    ...(method === 'GET' ? [] : ['-X', method]),
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(body === undefined ? [] : ['-d', body]),
    `${url}${path}`,
  ]
  return ['curl', '-s', ...words.map(quoted)].join(' ')
}

/** For a shell. */
const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Surprise(`the answer is not JSON: ${text.slice(0, 200)}`)
  }
}
