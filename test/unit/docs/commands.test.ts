import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { markdownFiles, read, root } from './markdown.ts'

const { scripts, version }: { scripts: Record<string, string>; version: string } = JSON.parse(read('package.json'))

/** `npm run x` and `npm test`, wherever they are written. */
const npmScripts = (text: string) =>
  [...text.matchAll(/\bnpm (?:run (?:--silent )?([a-z][a-z:]*)|(test))\b/g)].map(([, run, test]) => run ?? test ?? '')

/** Files that a command names: `-c docker-compose.yml`, `npx vitest … test/e2e/scaling/scaling.test.ts`. */
const named = (text: string) => [...text.matchAll(/(?:-c |vitest run [^\n#]*?)([\w./-]+\.(?:yml|ts))/g)]

/** Files that a page has its reader write. */
const OF_THE_READER = ['own.yml', 'tls.yml']

describe('the commands of the documentation', () => {
  it.each(markdownFiles().map((path) => ({ path })))('of $path are scripts of package.json', ({ path }) => {
    expect(npmScripts(read(path)).filter((script) => scripts[script] === undefined)).toEqual([])
  })

  it.each(['README.md', 'AGENTS.md', 'docs/operations.md'])('of %s name files that exist', (path) => {
    const files = named(read(path)).flatMap(([, file = '']) => (OF_THE_READER.includes(file) ? [] : [file]))
    expect(files.length).toBeGreaterThan(0)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  it.each(['README.md', 'docs/operations.md'])(
    'of %s that deploy are those of docker-compose.yml, which are tested',
    (path) => {
      const lines = read('docker-compose.yml').match(/^# {3}\S.*$/gm) ?? []
      // The fourth is for who has a network: docs/networks.md.
      expect(lines).toHaveLength(4)
      const three = lines.slice(0, 3).map((line) => line.slice(4))
      expect(read(path)).toContain(`\`\`\`sh\n${three.join('\n')}\n\`\`\``)
      expect(read(path)).toContain('docker stack deploy -c docker-compose.autoscaling.yml orrery')
      expect(read('docs/networks.md')).toContain(`\n${lines.at(3)?.slice(4)}\n\`\`\``)
    },
  )

  it('and no text sends a caller to the name of the service, which is on no network where it would resolve', () => {
    const examples = readdirSync(join(root, 'docs/examples'), { recursive: true, encoding: 'utf8' })
    const texts = [...markdownFiles(), ...examples.map((file) => join('docs/examples', file)), 'docker-compose.yml']
    const files = texts.filter((path) => /\.(md|ya?ml|json)$/.test(path))
    expect(files.length).toBeGreaterThan(30)
    expect(files.filter((path) => /\/\/orrery:\d/.test(read(path)))).toEqual([])
  })

  it('that a newcomer needs are exactly two', () => {
    const [block = ''] = /```sh\n[\s\S]*?```/.exec(read('README.md').split('## Try it: two commands')[1] ?? '') ?? []
    expect(block.split('\n').slice(1, -1)).toEqual(['npm run demo', 'npm test'])
  })

  it('and every text name the image with the version of package.json, so that an upgrade is one', () => {
    const texts = ['docker-compose.yml', 'docker-compose.autoscaling.yml', 'Dockerfile', ...markdownFiles()]
    const named = texts.flatMap((path) => {
      const lines = read(path).replaceAll('\\\n', ' ').split('\n')
      return lines.flatMap((line) => {
        const found = /(?:docker (?:build|run) .* |IMAGE:-)orrery(:[\w.]+)?(?=[ }]|$)/.exec(line)
        return found === null ? [] : [found[1] ?? `none in ${path}`]
      })
    })
    expect(named.length).toBeGreaterThan(10)
    // One later is the upgrade that docs/operations.md shows.
    const later = version.replace(/\d+$/, (patch) => String(Number(patch) + 1))
    expect(named.filter((tag) => tag !== `:${version}` && tag !== `:${later}`)).toEqual([])
  })

  it('the stack file for autoscaling alone has the controller of the other one, without networks and agents', () => {
    type Stack = { services: Record<string, Record<string, unknown> & { environment: Record<string, string> }> }
    const [whole, alone] = ['docker-compose.yml', 'docker-compose.autoscaling.yml'].map(
      (path): Stack => parse(read(path), { merge: true }),
    )
    expect(Object.keys(whole?.services ?? {})).toEqual(['controller', 'agent'])
    const { controller, ...others } = alone?.services ?? {}
    expect(others).toEqual({})
    const { configs, ...same } = whole?.services.controller ?? expect.fail()
    const { ORRERY_NETWORK_DIR, ORRERY_NETWORK_AUTO, ...environment } = same.environment
    expect([configs, ORRERY_NETWORK_DIR, ORRERY_NETWORK_AUTO]).not.toContain(undefined)
    expect(controller).toEqual({ ...same, environment })
    const lines = (path: string) =>
      read(path)
        .match(/^# {3}\S.*$/gm)
        ?.slice(0, 2)
    expect(lines('docker-compose.autoscaling.yml')).toEqual(lines('docker-compose.yml'))
  })
})
