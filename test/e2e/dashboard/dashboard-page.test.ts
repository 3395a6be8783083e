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
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser } from '../../lab/programs/browser.ts'
import { type FakeEngine, startFakeEngine } from '../../support/fake-engine/fake-engine.ts'
import { type Controller, endControllers, freePort, startController } from '../support/controller.ts'
import { eventually, policyLabels } from '../support/services.ts'

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

/** A tab that is signed in. */
async function tabOf(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.addInitScript(`sessionStorage.setItem('orrery-token', ${JSON.stringify(SCALE)})`)
  await page.goto(`${url}/ui#/`)
  return page
}

describe.each(['token', 'open'] as const)('a page that means harm, in %s mode', (mode) => {
  const place = served(mode, addWeb)
  let theirs: http.Server
  const theirPort = () => (theirs.address() as AddressInfo).port

  beforeAll(async () => {
    const hostilePage = await readFile(join(import.meta.dirname, '../fixtures/hostile-page.html'))
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

describe('many tabs', () => {
  const place = served('token', addWeb)

  it('below a prefix hold one connection together, the seventh and the tenth show what happens, and without any there is none', async () => {
    const streams = await countStreams(place.port)
    try {
      await inBrowser(async (context) => {
        const open = async () => {
          const tab = await tabOf(context, `http://${OURS}:${streams.port}${PREFIX}`)
          await tab.getByRole('row', { name: /web/ }).waitFor()
          return tab
        }
        const tabs: Page[] = []
        while (tabs.length < 10) tabs.push(...(await Promise.all([open(), open()])))
        await eventually('one stream is open', () => Promise.resolve(streams.open() === 1))
        await place.controller.up('web', { headers: { authorization: `Bearer ${SCALE}` } })
        await Promise.all(tabs.map((tab) => tab.getByRole('cell', { name: '/ 2' }).waitFor()))
        console.log(`ten tabs: ${streams.open()} stream open, ${streams.begun()} begun`)
        expect(streams.open()).toBe(1)
        await Promise.all(tabs.slice(1).map((tab) => tab.close()))
        await place.controller.up('web', { headers: { authorization: `Bearer ${SCALE}` } })
        await tabs[0]?.getByRole('cell', { name: '/ 3' }).waitFor()
        expect(streams.open()).toBe(1)
      })
      await eventually('no stream is left', () => Promise.resolve(streams.open() === 0))
    } finally {
      streams.close()
    }
  })
})

/** A reverse proxy that counts the event streams that are asked for and those that are open; nothing else is behind it. */
const PREFIX = '/orrery'
async function countStreams(port: number) {
  let [open, begun] = [0, 0]
  const relay = http.createServer((asked, answer) => {
    const { method, headers } = asked
    if (!asked.url?.startsWith(`${PREFIX}/`)) return void answer.writeHead(404).end()
    const url = asked.url.slice(PREFIX.length)
    if (url.startsWith('/v1/event')) {
      begun += 1
      open += 1
      answer.once('close', () => {
        open -= 1
      })
    }
    const onward = http.request({ host: '127.0.0.1', port, path: url, method, headers, agent: false }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers).flushHeaders()
      answered.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    answer.once('close', () => onward.destroy())
    asked.pipe(onward)
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const close = () => {
    relay.closeAllConnections()
    relay.close()
  }
  return { port: (relay.address() as AddressInfo).port, open: () => open, begun: () => begun, close }
}

describe('the keyboard alone', () => {
  const place = served('token', (engine) => {
    addWeb(engine)
    engine.addService({ name: 'mail', labels: policyLabels() })
  })

  it('signs in, steps up, pauses with a reason, resumes, filters, opens a service and sets its count', async () => {
    await inBrowser(async (context) => {
      const page = await context.newPage()
      const { keyboard } = page
      const focused = async () =>
        String(
          await page.evaluate(
            '(({ tagName, ariaLabel, labels, textContent }) => tagName === "BODY" ? "" : (ariaLabel ?? labels?.[0]?.textContent ?? textContent))(document.activeElement)',
          ),
        ).trim()
      /** Tab by Tab, as far as it takes. */
      const reach = async (what: RegExp) => {
        for (let tabs = 0; tabs < 60; tabs += 1) {
          if (what.test(await focused())) return
          await keyboard.press('Tab')
        }
        throw new Error(`the keyboard does not reach ${what}`)
      }
      const see = async (text: string | RegExp) => await page.getByText(text).first().waitFor()

      await page.goto(`${place.url}/ui`)
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      await reach(/^Token/)
      await keyboard.type(SCALE)
      await keyboard.press('Enter')
      await page.getByRole('row', { name: /web/ }).waitFor()
      await reach(/^web up/)
      await keyboard.press('Enter')
      await see('web: 1 → 2')
      await reach(/^pause web/)
      await keyboard.press('Enter')
      await page.getByRole('dialog').waitFor()
      await reach(/^For/)
      await keyboard.press('ArrowUp')
      await reach(/^Reason/)
      await keyboard.type('moving house')
      await keyboard.press('Enter')
      await see(/paused, ends in [45] min.* ole: moving house/)
      // What opened the dialog has the focus again.
      expect(await focused()).toMatch(/^resume web/)
      await keyboard.press('Enter')
      await page.getByRole('button', { name: /^pause web/ }).waitFor()
      await keyboard.press('Control+Home')
      await page.reload()
      await page.getByRole('row', { name: /web/ }).waitFor()
      await reach(/^Filter/)
      await keyboard.type('web')
      await see('1 of 2')
      await reach(/^web$/)
      await keyboard.press('Enter')
      await page.getByRole('heading', { name: 'web', level: 1 }).waitFor()
      await reach(/^Count/)
      await keyboard.type('4')
      await keyboard.press('Enter')
      await see('web: 2 → 4')
      // Whoever is behind the content comes back to it, and stays on the page.
      await page.reload()
      await page.getByRole('heading', { name: 'web', level: 1 }).waitFor()
      await reach(/^To the content/)
      await keyboard.press('Enter')
      expect(await page.evaluate('document.activeElement.id')).toBe('content')
      await page.getByRole('heading', { name: 'web', level: 1 }).waitFor()
    })
  })
})

describe('what somebody looks at', () => {
  const place = served('token', (engine) => {
    for (const name of ['web', 'mail', 'api']) engine.addService({ name, labels: policyLabels() })
  })

  it('neither moves nor closes when something changes, and what is typed stays', async () => {
    await inBrowser(async (context) => {
      const page = await tabOf(context, place.url)
      const names = () => page.locator('table.rows tbody th').allInnerTexts()
      const step = async (times: number) => {
        for (let count = 0; count < times; count += 1) {
          await place.controller.up('web', { headers: { authorization: `Bearer ${SCALE}` } })
        }
      }
      await page.getByRole('row', { name: /web/ }).waitFor()
      const before = await names()
      await page.getByRole('button', { name: /^pause mail/ }).click()
      await page.getByLabel('Reason').fill('half a sen')
      await step(1)
      await page.getByRole('cell', { name: '/ 2' }).waitFor()
      expect(await page.getByLabel('Reason').inputValue()).toBe('half a sen')
      expect(await names()).toEqual(before)
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.goto(`${place.url}/ui#/s/web`)
      const fold = page.getByText(/^The same as a table/)
      await fold.click()
      const count = page.getByRole('textbox', { name: 'Count' })
      await count.fill('7')
      await step(1)
      await page
        .getByRole('row', { name: /orrery: call/ })
        .nth(1)
        .waitFor()
      expect(await count.inputValue()).toBe('7')
      expect(await page.evaluate('document.activeElement.tagName')).toBe('INPUT')
    })
  })
})

/** Since the start of the navigation, once the first rows are on the screen. Ms. */
const WHEN_DRAWN = `new Promise((done) => {
  const look = () => {
    if (document.querySelectorAll('table.rows tbody tr').length < 300) requestAnimationFrame(look)
    else requestAnimationFrame(() => setTimeout(() => done(performance.now())))
  }
  look()
})`

describe('a thousand services', () => {
  const COUNT = 1000
  const CHANGES = 10
  const WINDOW_MS = 1500
  const ids: string[] = []
  const place = served('token', (engine) => {
    for (let index = 0; index < COUNT; index += 1) {
      const labels = { ...policyLabels(), 'com.docker.stack.namespace': `stack${Math.floor(index / 20)}` }
      ids.push(engine.addService({ name: `stack${Math.floor(index / 20)}_service${index}`, replicas: 2, labels }))
    }
  })

  it('are drawn soon, and one that changes costs little', async () => {
    await inBrowser(async (context) => {
      const page = await tabOf(context, place.url)
      const paintedMs = Number(await page.evaluate(WHEN_DRAWN))
      await page.getByText(`${COUNT} of ${COUNT}`).waitFor()
      const session = await context.newCDPSession(page)
      await session.send('Performance.enable')
      const scriptMs = async () => {
        const { metrics } = await session.send('Performance.getMetrics')
        return 1000 * (metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? 0)
      }
      const duringMs = async (ms: number, each: (index: number) => void) => {
        const before = await scriptMs()
        for (let index = 0; index < CHANGES; index += 1) {
          each(index)
          await sleep(ms / CHANGES)
        }
        return (await scriptMs()) - before
      }
      const quietMs = await duringMs(WINDOW_MS, () => {})
      const busyMs = await duringMs(WINDOW_MS, (index) => {
        place.engine.changeService(ids[index] ?? '', (spec) => ({
          ...spec,
          Mode: { Replicated: { Replicas: 7 + index } },
        }))
      })
      await page.getByRole('cell', { name: '/ 16' }).waitFor()
      const changeMs = (busyMs - quietMs) / CHANGES
      const nodes = await page.evaluate('document.querySelectorAll("*").length')
      console.log(
        `${COUNT} services: drawn after ${paintedMs.toFixed(0)} ms (at most 1000), a change costs ${changeMs.toFixed(1)} ms of script (at most 30), a second in which nothing happens ${((1000 * quietMs) / WINDOW_MS).toFixed(1)} ms, ${nodes} elements`,
      )
      expect(paintedMs).toBeLessThan(10_000)
      expect(changeMs).toBeLessThan(300)
    })
  })
})
