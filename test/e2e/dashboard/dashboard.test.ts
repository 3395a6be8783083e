/** The dashboard as a person uses it: a real browser, the built page, a real Swarm. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { source as axe } from 'axe-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser } from '../../lab/programs/browser.ts'
import { type LabConsul, startLabConsul } from '../../lab/programs/consul.ts'
import { metricsIn } from '../../unit/docs/asked-metrics.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab } from '../support/networked.ts'
import { untilReady } from '../support/observed-networks.ts'
import { createService, eventually, policyLabels, replicasOf, runningTasks } from '../support/services.ts'
import { DEFINITION, LAN, NETWORK } from '../support/vlan40.ts'

const READ = 'a-token-that-only-looks'
const SCALE = 'a-token-that-may-scale'
const ADMIN = 'a-token-that-may-all'
/** Where the pictures are left for people; nothing is compared with them. */
const PICTURES = process.env.ORRERY_PICTURES ?? join(tmpdir(), 'orrery-dashboard')

describe('the dashboard', () => {
  const swarm = labForTests({ nodes: 2, managers: 1, lan: { ...LAN, hostAddresses: true } })
  const worker = () => present(swarm.lab.nodes.find((node) => node !== swarm.manager))
  let folder = ''
  let networked: Networked
  let controller: NodeController
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let web = ''
  let consul: LabConsul
  let env: Record<string, string> = {}
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
  /** For what the pictures are looked at. */
  const picture = async (name: string) => {
    await page.screenshot({ path: join(PICTURES, `${name}.png`) })
  }
  const title = async (name: RegExp) => (await row().getByRole('button', { name }).getAttribute('title')) ?? ''
  const row = () => page.getByRole('row', { name: /^web / })
  const see = async (text: string | RegExp, timeout = 10_000) => await page.getByText(text).first().waitFor({ timeout })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-dashboard-test-'))
    await mkdir(PICTURES, { recursive: true })
    const tokens = join(folder, 'tokens')
    await writeFile(join(folder, 'cli'), READ, { mode: 0o600 })
    await writeFile(tokens, `read ${READ} wall\nscale ${SCALE} ole\nadmin ${ADMIN}\n`, { mode: 0o600 })
    const starting = startLabConsul(swarm.lab)
    const labels = policyLabels({ 'autoscaler.max': '3' })
    web = await createService(swarm.manager, { name: 'web', labels })
    await createService(swarm.manager, { name: 'plain', labels: {} })
    networked = await networkedLab(swarm.lab)
    // Five addresses for containers on each node.
    await networked.define(NETWORK, DEFINITION.replace('range: 24', 'range: 29'))
    // Something to look at beside it.
    const others = {
      shop_api: { 'autoscaler.max': '6', 'autoscaler.paused': 'down' },
      shop_worker: {
        ...{ 'autoscaler.max': '4', 'autoscaler.min': '2', 'autoscaler.cpu.target': '60', 'autoscaler.warmup': '0s' },
        ...{ 'autoscaler.schedule.night.from': '0 22 * * *', 'autoscaler.schedule.night.for': '8h' },
        'autoscaler.schedule.night.max': '3',
      },
      mail_smtp: { 'autoscaler.max': '2', 'autoscaler.cooldown': '5m', 'autoscaler.on-firing': 'repeat' },
      mail_spool: { 'autoscaler.max': 'four' },
    }
    for (const [name, over] of Object.entries(others)) {
      const stack = { 'com.docker.stack.namespace': name.split('_')[0] ?? '' }
      const template = { Resources: { Limits: { NanoCPUs: 1_000_000_000 } } }
      await createService(swarm.manager, { name, replicas: 2, labels: { ...policyLabels(over), ...stack }, template })
    }
    consul = await starting
    env = { ORRERY_TOKEN_FILE: tokens, ORRERY_NETWORK_AUTO: 'true', ORRERY_TICK: '5s', CONSUL_HTTP_ADDR: consul.inside }
    // The name of the worker's node there is somebody else's.
    await consul.put('/v1/catalog/register', { Node: `swarm-${worker().hostname}`, Address: '10.9.9.9' })
    const [started] = await Promise.all([
      networked.startController(swarm.manager, env),
      ...swarm.lab.nodes.map((node) => networked.startAgent(node)),
    ])
    controller = started
    browser = await startBrowser()
    context = await browser.newContext({ viewport: { width: 1300, height: 850 } })
    page = listen(await context.newPage())
  })
  afterAll(async () => {
    await browser?.close()
    await networked?.close()
    await consul?.stop()
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
    const clickedMs = performance.now()
    await row().getByText('/ 2').waitFor({ timeout: 10_000 })
    console.log(`a step is in its row after ${(performance.now() - clickedMs).toFixed(0)} ms (at most 1000)`)
    await see(/web: 1 → 2/, 3000)
    await eventually('the count', async () => (await replicasOf(swarm.manager, web)) === 2)
    await row().getByText('2 / 2').waitFor()
    await row()
      .getByRole('button', { name: /^web up/ })
      .click()
    await eventually('the button says why', async () => (await title(/^web up/)).includes('at max (3)'))
    // A page of another port of this host would get a cookie too: there is none.
    expect(await context.cookies()).toEqual([])
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

  it('pauses everything for a while with a reason, through a restart of the controller, and resumes it', async () => {
    await page.getByRole('button', { name: 'Pause everything' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('For').selectOption('2h')
    await dialog.getByLabel('Reason').fill('the database moves')
    await dialog.getByText(/^None of the 5 autoscalers/).waitFor()
    await dialog.getByText(/^Until .*\d/).waitFor()
    await picture('pause-everything')
    await dialog.getByRole('button', { name: 'Pause everything' }).click()
    const banner = page.getByText(/^Everything is paused until .* — ole: the database moves/)
    await banner.waitFor()
    expect(await title(/^web down/)).toContain('everything is paused, ends in')
    await row()
      .getByText(/everything is paused, ends in [12] h — ole: the database moves/)
      .waitFor()
    const held = await controller.call('PUT', '/v1/autoscaler/web/replicas', { body: { replicas: 1 }, token: SCALE })
    expect(held).toMatchObject({ status: 200, body: { outcome: 'held', code: 'paused' } })
    expect(complaints).toEqual([])
    await controller.stop()
    await see(/^The controller is away, stale since/)
    await picture('away')
    controller = await networked.startController(swarm.manager, env)
    await page.getByText(/^The controller is away/).waitFor({ state: 'detached', timeout: 45_000 })
    await banner.waitFor()
    // A browser notes each try to connect.
    expect(complaints.splice(0).filter((text) => !/net::ERR_|Failed to load resource/.test(text))).toEqual([])
    await page.getByRole('button', { name: 'Resume everything' }).click()
    await banner.waitFor({ state: 'detached' })
    await eventually('a step is possible', async () => !(await title(/^web down/)).includes('paused'))
    await row()
      .getByRole('button', { name: /^web down/ })
      .click()
    await see(/web: 3 → 2/)
    const audits = controller.log().filter(({ event, path }) => event === 'audit' && path === '/v1/resume')
    expect(audits).toMatchObject([{ caller: { name: 'ole' }, status: 200 }])
  })

  it('shows the words of Swarm when a container is killed', async () => {
    await go('s/web')
    const [task] = await runningTasks(swarm.manager, 'web')
    const container = task?.Status.ContainerStatus?.ContainerID ?? ''
    const node = present(swarm.lab.nodes.find(({ nodeId }) => nodeId === task?.NodeID))
    await node.api.getContainer(container).kill()
    await see(/non-zero exit \(137\)/, 15_000)
    await go('log')
    await page
      .getByRole('cell', { name: /call by ole/ })
      .first()
      .waitFor()
  })

  it('shows a node that is drained, and where its tasks went', async () => {
    await untilReady(swarm.manager, NETWORK, swarm.lab.nodes)
    await go('nodes')
    const column = page.getByRole('region', { name: worker().hostname })
    await column.getByText('active').waitFor()
    await eventually('it has tasks', async () => (await column.getByRole('listitem').count()) > 0)
    await page.getByRole('region', { name: swarm.manager.hostname }).getByText('leader', { exact: true }).waitFor()
    const files = { ORRERY_CLI_TOKEN_FILE: join(folder, 'cli') }
    expect((await networked.orrery(swarm.manager, ['nodes'], files)).stdout).toMatch(
      new RegExp(`${swarm.manager.hostname} +│ leader +│ active`),
    )
    await swarm.manager.docker('node', 'update', '--availability=drain', worker().hostname)
    await column.getByText('drain').waitFor({ timeout: 10_000 })
    await eventually('its tasks are elsewhere', async () => (await column.getByRole('listitem').count()) === 0, {
      timeoutMs: 60_000,
    })
    await picture('map-drained')
    await swarm.manager.docker('node', 'update', '--availability=active', worker().hostname)
    await column.getByText('active').waitFor({ timeout: 10_000 })
  })

  it('says that addresses run out before they do, and why no more is to be had when they have', async () => {
    const constraint = { Constraints: [`node.labels.orrery.network.${NETWORK} == ready`] }
    await createService(swarm.manager, {
      ...{ name: 'lan_web', replicas: 8 },
      labels: { ...policyLabels({ 'autoscaler.max': '20' }), 'orrery.ports': '80', SERVICE_TAGS: 'blue' },
      template: { Placement: constraint, Networks: [{ Target: NETWORK }] },
    })
    await go('n')
    // Eight of ten are taken, and nothing has failed yet.
    await page.getByRole('row', { name: NETWORK }).getByText('AddressesLeft').waitFor({ timeout: 60_000 })
    await page.getByText('2 of 10 free').waitFor()
    await go('')
    const lan = page.getByRole('row', { name: /lan_web/ })
    const up = lan.getByRole('button', { name: /^lan_web up/ })
    for (const count of [9, 10]) {
      await up.click()
      await lan.getByText(`${count} / ${count}`).waitFor({ timeout: 60_000 })
    }
    await up.click()
    await see(/lan_web: unchanged, .*address/)
    await page.getByRole('button', { name: '1 Addresses short' }).click()
    await eventually('one is left', async () => (await page.getByRole('row', { name: /_|web/ }).count()) === 1)
    await picture('addresses-short')
  })

  it('shows what should be in Consul beside what is there, and the cause of each difference', async () => {
    await go('consul')
    const entries = (state: string) => page.getByRole('row').filter({ hasText: state })
    await entries('missing')
      .first()
      .getByText(/is somebody else's node in Consul .*: rename it/)
      .waitFor({ timeout: 60_000 })
    const counted = async (state: string) => await entries(state).count()
    await eventually('each has an entry', async () => (await counted('missing')) + (await counted('registered')) === 10)
    expect(await counted('missing')).toBeGreaterThan(0)
    await eventually('those of the other node are there', async () => {
      const services = await consul.get<object[]>('/v1/catalog/service/lan-web')
      return services.length > 0 && services.length === (await counted('registered'))
    })
  })

  it('has behind it every series that the dashboard for Grafana asks for', async () => {
    const alert = {
      status: 'firing',
      labels: { service: 'mail_smtp', scale: 'up', alertname: 'Hot' },
      fingerprint: 'f1',
    }
    const body = { version: '4', status: 'firing', alerts: [{ ...alert, startsAt: new Date().toISOString() }] }
    await controller.call('POST', '/v1/webhook/alertmanager', { body, token: SCALE })
    const board = await readFile(
      join(import.meta.dirname, '../../../docs/examples/grafana/orrery-dashboard.json'),
      'utf8',
    )
    const asked = new Set(metricsIn(board).map(({ name, suffix = '' }) => `${name}${suffix}`))
    expect(asked.size).toBeGreaterThan(15)
    await eventually(
      'each has a value',
      async () => {
        const { body: figures } = await controller.call<string>('GET', '/metrics')
        const missing = [...asked].filter((name) => !new RegExp(`^${name}[{ ]`, 'm').test(figures))
        if (missing.length > 0) throw new Error(`nothing of ${missing.join(', ')}`)
        return true
      },
      { timeoutMs: 90_000 },
    )
  })

  it('is clean to a screen reader in both themes, wide and small, in every view', async () => {
    const found: string[] = []
    const judge = async () => {
      const session = await context.newCDPSession(page)
      const expression = `${axe};axe.run().then(({violations}) => JSON.stringify(violations.map(({id, nodes}) => [id, nodes[0].html])))`
      const { result } = await session.send('Runtime.evaluate', { expression, awaitPromise: true })
      await session.detach()
      return String(result.value)
    }
    const close = page.getByRole('button', { name: 'Close' })
    if (await close.isVisible()) await close.click()
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1300, 320]) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: width === 320 ? 700 : 850 })
        for (const [name, hash] of [
          ['overview', ''],
          ['service', 's/web'],
          ['map', 'nodes'],
          ['load', 's/shop_worker'],
          ['networks', 'n'],
          ['network', `n/${NETWORK}`],
          ['consul', 'consul'],
          ['activity', 'log'],
          ['wall', '?wall=1'],
        ] as const) {
          await go(hash)
          await page.locator('main h1, main .tiles').first().waitFor({ state: 'attached' })
          // Colours are judged in both themes; what is narrow, once.
          const isJudged = width === 1300 || colorScheme === 'light'
          const violations = isJudged ? await judge() : '[]'
          if (violations !== '[]') found.push(`${name} ${colorScheme} ${width}: ${violations}`)
          const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
          if (Number(over) > 0) found.push(`${name} ${width}: ${over} px too wide`)
          await picture(`${name}-${colorScheme}-${width}`)
        }
      }
    }
    expect(found).toEqual([])
    await page.setViewportSize({ width: 1300, height: 850 })
  })

  it('shows entries appear once their cause is gone', async () => {
    await consul.put('/v1/catalog/deregister', { Node: `swarm-${worker().hostname}` })
    await controller.call('POST', '/v1/registration/resync', { token: ADMIN })
    await go('consul')
    await page.getByRole('button', { name: '10 registered' }).waitFor({ timeout: 60_000 })
    await page.getByRole('button', { name: '0 missing' }).waitFor()
  })

  it('has let the browser complain of nothing, in any view', () => {
    expect(complaints).toEqual([])
  })
})
