/** The dashboard as a person uses it: a real browser, the built page, a real Swarm. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { source as axe } from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser } from '../lab/browser.ts'
import { type Controller, startController } from './support/controller.ts'
import { labForTests } from './support/lab-for-tests.ts'
import { createService, eventually, policyLabels, replicasOf, runningTasks } from './support/services.ts'

const READ = 'a-token-that-only-looks'
const SCALE = 'a-token-that-may-scale'
/** Where the pictures are left for people; nothing is compared with them. */
const PICTURES = process.env.ORRERY_PICTURES ?? join(tmpdir(), 'orrery-dashboard')

describe('the dashboard', () => {
  const swarm = labForTests({ nodes: 1 })
  let folder = ''
  let controller: Controller
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let web = ''
  /** What the browser complains of. */
  const complaints: string[] = []

  const listen = (opened: Page) => {
    opened.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    opened.on('pageerror', (error) => complaints.push(String(error)))
    return opened
  }
  const go = async (hash: string) => {
    await page.goto(`${controller.url}/ui#/${hash}`)
  }
  const signIn = async (token: string) => {
    await page.getByLabel('Token').fill(token)
    await page.getByRole('button', { name: 'Sign in' }).last().click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
  }
  const row = () => page.getByRole('row', { name: /web/ })
  const see = async (text: string | RegExp, timeout = 10_000) => await page.getByText(text).first().waitFor({ timeout })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-dashboard-test-'))
    await mkdir(PICTURES, { recursive: true })
    const tokens = join(folder, 'tokens')
    await writeFile(tokens, `read ${READ} wall\nscale ${SCALE} ole\n`, { mode: 0o600 })
    const labels = policyLabels({ 'autoscaler.max': '3' })
    web = await createService(swarm.manager, { name: 'web', labels })
    await createService(swarm.manager, { name: 'plain', labels: {} })
    // Something to look at beside it.
    const others = {
      shop_api: { 'autoscaler.max': '6', 'autoscaler.paused': 'down' },
      shop_worker: { 'autoscaler.max': '4', 'autoscaler.min': '2' },
      mail_smtp: { 'autoscaler.max': '2', 'autoscaler.cooldown': '5m' },
      mail_spool: { 'autoscaler.max': 'four' },
    }
    for (const [name, over] of Object.entries(others)) {
      const stack = { 'com.docker.stack.namespace': name.split('_')[0] ?? '' }
      await createService(swarm.manager, { name, replicas: 2, labels: { ...policyLabels(over), ...stack } })
    }
    controller = await startController(swarm.manager, {
      env: {
        ORRERY_TOKEN_FILE: tokens,
        ORRERY_SWARM_SOCKET: `/proc/${swarm.manager.pid}/root/run/docker/swarm/control.sock`,
      },
    })
    browser = await startBrowser()
    context = await browser.newContext({ viewport: { width: 1300, height: 850 } })
    page = listen(await context.newPage())
  })
  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('looks with a read token, and says why it may do no more', async () => {
    await go('')
    // Whoever has no token yet is asked for one, and the browser has noted the refusal.
    await signIn(READ)
    complaints.splice(0)
    await row().waitFor()
    const up = row().getByRole('button', { name: /^web up/ })
    expect(await up.getAttribute('aria-disabled')).toBe('true')
    expect(await up.getAttribute('title')).toContain('your token has the role read')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  it('steps up with a scale token, shows what runs, and at max says so', async () => {
    await signIn(SCALE)
    complaints.splice(0)
    await row().getByText('1 / 1').waitFor()
    await row()
      .getByRole('button', { name: /^web up/ })
      .click()
    await see(/web: 1 → 2/, 3000)
    await eventually('the count', async () => (await replicasOf(swarm.manager, web)) === 2)
    await row().getByText('2 / 2').waitFor()
    await row()
      .getByRole('button', { name: /^web up/ })
      .click()
    await eventually('the button says why', async () =>
      (
        (await row()
          .getByRole('button', { name: /^web up/ })
          .getAttribute('title')) ?? ''
      ).includes('at max (3)'),
    )
  })

  it('pauses for five minutes with a reason, and the log names who', async () => {
    await row()
      .getByRole('button', { name: /^pause web/ })
      .click()
    await page.getByLabel('For').selectOption('5m')
    await page.getByLabel('Reason').fill('moving house')
    await page.getByRole('button', { name: 'Pause', exact: true }).last().click()
    await see(/paused, ends in .* ole: moving house/)
    const audit = controller.log().find(({ event, path }) => event === 'audit' && String(path).endsWith('/pause'))
    expect(audit).toMatchObject({ caller: { name: 'ole' }, status: 200 })
    await row()
      .getByRole('button', { name: /^resume web/ })
      .click()
    await row()
      .getByRole('button', { name: /^pause web/ })
      .waitFor()
  })

  it('shows the words of Swarm when a container is killed', async () => {
    await go('s/web')
    const [task] = await runningTasks(swarm.manager, 'web')
    const container = task?.Status.ContainerStatus?.ContainerID ?? ''
    await swarm.manager.api.getContainer(container).kill()
    await see(/non-zero exit \(137\)/, 15_000)
    await go('log')
    await page
      .getByRole('cell', { name: /call by ole/ })
      .first()
      .waitFor()
  })

  it('is clean to a screen reader in both themes, wide and small, in every view', async () => {
    const found: string[] = []
    await page
      .getByRole('button', { name: 'Close' })
      .click({ timeout: 1000 })
      .catch(() => {})
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1300, 320]) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: width === 320 ? 700 : 850 })
        for (const [name, hash] of [
          ['overview', ''],
          ['service', 's/web'],
          ['map', 'nodes'],
          ['networks', 'n'],
          ['activity', 'log'],
          ['wall', '?wall=1'],
        ] as const) {
          await go(hash)
          await page.locator('main h1, main .tiles').first().waitFor({ state: 'attached' })
          const session = await context.newCDPSession(page)
          const expression = `${axe};axe.run().then(({violations}) => JSON.stringify(violations.map(({id, nodes}) => [id, nodes[0].html])))`
          const { result } = await session.send('Runtime.evaluate', { expression, awaitPromise: true })
          if (result.value !== '[]') found.push(`${name} ${colorScheme} ${width}: ${result.value}`)
          const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
          if (Number(over) > 0) found.push(`${name} ${width}: ${over} px too wide`)
          await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}-${width}.png`) })
          await session.detach()
        }
      }
    }
    expect(found).toEqual([])
    await page.setViewportSize({ width: 1300, height: 850 })
  })

  it('has one stream for ten tabs, and complains of nothing', async () => {
    const tabs = await Promise.all(Array.from({ length: 9 }, async () => listen(await context.newPage())))
    for (const tab of tabs) {
      await tab.addInitScript(`sessionStorage.setItem('orrery-token', ${JSON.stringify(SCALE)})`)
      await tab.goto(`${controller.url}/ui#/`)
      await tab.getByRole('row', { name: /web/ }).waitFor({ timeout: 15_000 })
    }
    expect(complaints).toEqual([])
  })
})
