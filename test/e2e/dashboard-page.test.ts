/**
 * The dashboard's page in a real browser over the real controller, where no Swarm is needed: pages that mean harm, the
 * keyboard alone, many tabs, and a thousand services. Names of this machine stand for a LAN: no page here is a secure context.
 */
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser } from '../lab/browser.ts'
import { type FakeEngine, startFakeEngine } from '../support/fake-engine/fake-engine.ts'
import { type Controller, endControllers, freePort, startController } from './support/controller.ts'
import { eventually, policyLabels } from './support/services.ts'

const SCALE = 'a-token-that-may-scale'
/** The controller, a page of somebody else, and a name that somebody else points at the controller. */
const [OURS, THEIRS, REBOUND] = ['orrery.lan', 'evil.example', 'rebound.example']
const WRITE = 'POST /services/{id}/update'

let browser: Browser
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-page-'))
  await writeFile(join(folder, 'tokens'), `scale ${SCALE} ole\n`, { mode: 0o600 })
  browser = await startBrowser({ names: [OURS, THEIRS, REBOUND] })
})
afterAll(async () => {
  await browser?.close()
  endControllers()
  await rm(folder, { recursive: true, force: true })
})

interface Served {
  readonly engine: FakeEngine
  readonly controller: Controller
  /** By its name on the LAN. */
  readonly url: string
  readonly port: number
}

/** A controller over a fake engine, for the tests of the enclosing `describe`. */
function served(mode: 'token' | 'open', populate: (engine: FakeEngine) => void): Served {
  let now: Served | undefined
  beforeAll(async () => {
    const [engine, port] = [await startFakeEngine(), await freePort()]
    populate(engine)
    const tokens = mode === 'token' ? { ORRERY_TOKEN_FILE: join(folder, 'tokens') } : { ORRERY_HOSTS: OURS }
    const socketPath = engine.host.replace('unix://', '')
    const controller = await startController({ socketPath }, { port, env: { ORRERY_SWARM_SOCKET: 'off', ...tokens } })
    now = { engine, controller, port, url: `http://${OURS}:${port}` }
  })
  afterAll(async () => {
    await now?.controller.kill()
    await now?.engine.close()
  })
  const there = () => {
    if (now === undefined) throw new Error('it is not up yet')
    return now
  }
  return {
    get engine() {
      return there().engine
    },
    get controller() {
      return there().controller
    },
    get url() {
      return there().url
    },
    get port() {
      return there().port
    },
  }
}

const addWeb = (engine: FakeEngine) => {
  engine.addService({ name: 'web', labels: policyLabels({ 'autoscaler.max': '9' }) })
}

async function inBrowser<T>(
  work: (context: BrowserContext) => Promise<T>,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<T> {
  const context = await browser.newContext({ viewport: { width: 1300, height: 850 }, ...options })
  try {
    return await work(context)
  } finally {
    await context.close()
  }
}

/** A tab that is signed in. What the browser complains of is added to `complaints`. */
async function tabOf(context: BrowserContext, url: string, complaints: string[] = []): Promise<Page> {
  const page = await context.newPage()
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.addInitScript(`sessionStorage.setItem('orrery-token', ${JSON.stringify(SCALE)})`)
  await page.goto(`${url}/ui#/`)
  return page
}

describe.each(['token', 'open'] as const)('a page that means harm, in %s mode', (mode) => {
  const place = served(mode, addWeb)
  let theirs: http.Server
  const theirPort = () => (theirs.address() as AddressInfo).port

  beforeAll(async () => {
    const hostilePage = await readFile(join(import.meta.dirname, 'fixtures/hostile-page.html'))
    theirs = http.createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(hostilePage)
    })
    theirs.listen(0, '127.0.0.1')
    await once(theirs, 'listening')
  })
  afterAll(() => void theirs.close())

  /** The browser has learned the credential by Basic, as one who once opened an address of the API has. */
  const options = mode === 'token' ? { httpCredentials: { username: 'ole', password: SCALE } } : {}

  it.each([
    { what: 'another origin', host: THEIRS },
    { what: 'another port of the same host', host: OURS },
  ])('changes nothing from $what', async ({ host }) => {
    await inBrowser(async (context) => {
      const page = await context.newPage()
      // Whoever is not signed in would be refused for that alone.
      const known = await page.goto(`${place.url}/v1/autoscaler/web`)
      expect(known?.status()).toBe(200)
      const ours = await tabOf(context, place.url)
      await ours.getByRole('row', { name: /web/ }).waitFor()
      place.engine.forgetCalls()
      const before = place.controller.log().length
      await page.goto(`http://${host}:${theirPort()}/?controller=${encodeURIComponent(place.url)}`)
      await page.waitForFunction('document.title.startsWith("tried")')
      expect(await page.title()).toBe('tried 56')
      // A form, a beacon and two requests that need nobody's leave came to each of the eight routes, and were turned away.
      const came = () =>
        place.controller
          .log()
          .slice(before)
          .filter(({ event, method, status }) => event === 'request' && method === 'POST' && status !== 200)
      await eventually('all that can come has come', async () => came().length >= 32)
      console.log(`${mode} mode, a page of ${host}: ${came().length} requests came, with ${statusesOf(came())}`)
      expect(came().length).toBe(32)
      expect(place.engine.count(WRITE)).toBe(0)
      // The page of our own may.
      await ours.getByRole('button', { name: /^web up/ }).click()
      await eventually('the step', async () => place.engine.count(WRITE) === 1)
    }, options)
  })
})

const statusesOf = (lines: readonly Record<string, unknown>[]) =>
  [...new Set(lines.map(({ status }) => String(status)))].sort().join(', ')

describe('a name that somebody else points at a controller without a token file', () => {
  const place = served('open', addWeb)

  it('changes nothing, and reads nothing but what is open to everybody', async () => {
    await inBrowser(async (context) => {
      const page = await context.newPage()
      const url = `http://${REBOUND}:${place.port}`
      // Whatever is shown there: scripts of the name's owner run in this origin once the name pointed elsewhere.
      expect((await page.goto(`${url}/ui`))?.status()).toBe(403)
      const { body } = await place.controller.call<{ paths: Record<string, object> }>('GET', '/openapi.json')
      const calls = Object.entries(body.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'web')] as const),
      )
      expect(calls.length).toBeGreaterThan(40)
      place.engine.forgetCalls()
      const answers = await page.evaluate(
        async (asked) =>
          await Promise.all(
            asked.map(async ([method, path]) => {
              const answer = await fetch(path, { method, headers: { 'x-requested-with': 'orrery-ui' } }).catch(String)
              return `${typeof answer === 'string' ? answer : answer.status} ${method} ${path}`
            }),
          ),
        [...calls, ['GET', '/ui'] as const],
      )
      expect(place.engine.count(WRITE)).toBe(0)
      expect(answers.filter((answer) => !answer.startsWith('403 '))).toEqual([])
      // By its own name, the same is answered.
      await page.goto(`${place.url}/ui`)
      expect(await page.evaluate(async () => (await fetch('/v1/autoscaler')).status)).toBe(200)
    })
  })
})
