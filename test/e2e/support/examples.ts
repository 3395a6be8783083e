/** The files of docs/examples/alertmanager, and of docs/alerts.md, as the tests run them: other addresses, and intervals that do not take hours. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseDocument, stringify } from 'yaml'
import { blockBelow } from './pages.ts'
import { repository } from './product-image.ts'

export const exampleFolder = join(repository, 'docs/examples/alertmanager')

type Path = readonly (string | number)[]
type Change = readonly [path: Path, value: unknown]

/** What is changed must be in the file, so that a change of the example cannot silently run something else here. */
function changed(file: string, changes: readonly Change[]): string {
  const document = parseDocument(readFileSync(join(exampleFolder, file), 'utf8'))
  for (const [path, value] of changes) {
    if (!document.hasIn(path)) throw new Error(`${file} has no ${path.join('.')}`)
    document.setIn(path, document.createNode(value))
  }
  return document.toString()
}

export interface AlertmanagerChanges {
  /** Of the controllers: each gets every notification. */
  readonly urls: readonly string[]
  readonly repeatInterval: string
  readonly sendResolved?: boolean
  /** Absent: calls from this machine are open. */
  readonly tokenFile?: string
}

export function alertmanagerFiles(changes: AlertmanagerChanges): Record<string, string> {
  const { urls, repeatInterval, tokenFile, sendResolved = true } = changes
  const example = parseDocument(readFileSync(join(exampleFolder, 'alertmanager.yml'), 'utf8')).toJS()
  const [webhook] = example.receivers[1].webhook_configs
  const { pathname } = new URL(webhook.url)
  const { authorization, ...http } = webhook.http_config
  const http_config =
    tokenFile === undefined ? http : { ...http, authorization: { ...authorization, credentials_file: tokenFile } }
  const webhooks = urls.map((url) => ({
    ...webhook,
    send_resolved: sendResolved,
    url: `${url}${pathname}`,
    http_config,
  }))
  return {
    'alertmanager.yml': changed('alertmanager.yml', [
      [['route', 'routes', 0, 'group_interval'], '1s'],
      [['route', 'routes', 0, 'repeat_interval'], repeatInterval],
      [['receivers', 1, 'webhook_configs'], webhooks],
    ]),
  }
}

/**
 * The configuration of docs/alerts.md for an Alertmanager that is there already. `people`: where the other receivers notify.
 * Groups are looked at each second; how often they repeat is as it is written.
 */
export function existingAlertmanager(changes: {
  readonly url: string
  readonly tokenFile: string
  readonly people: string
  readonly groupBy?: readonly string[]
}): Record<string, string> {
  const config = parse(blockBelow('docs/alerts.md', 'An Alertmanager that you have already', 'yaml'))
  const [first] = config.route.routes
  if (first.receiver !== 'orrery' || !first.continue) throw new Error('the page has another route first')
  Object.assign(config.route, { group_wait: '0s', group_interval: '1s' })
  Object.assign(first, { group_interval: '1s', ...(changes.groupBy && { group_by: changes.groupBy }) })
  for (const receiver of config.receivers) {
    const [ours] = receiver.webhook_configs ?? []
    if (ours === undefined) receiver.webhook_configs = [{ url: `${changes.people}/${receiver.name}` }]
    else {
      ours.url = `${changes.url}${new URL(ours.url).pathname}`
      ours.http_config.authorization.credentials_file = changes.tokenFile
    }
  }
  return { 'alertmanager.yml': stringify(config) }
}

export interface PrometheusChanges {
  readonly alertmanagerUrl: string
  readonly engineSocket: string
  /** An HTTP proxy that reaches the tasks. */
  readonly proxyUrl: string
  /** Of the services with a policy only this one. */
  readonly service: string
}

export function prometheusFiles({
  alertmanagerUrl,
  engineSocket,
  proxyUrl,
  service,
}: PrometheusChanges): Record<string, string> {
  const discovery = ['scrape_configs', 0, 'dockerswarm_sd_configs', 0]
  const prometheus = changed('prometheus.yml', [
    [['global', 'scrape_interval'], '1s'],
    [['global', 'evaluation_interval'], '1s'],
    [['alerting', 'alertmanagers', 0, 'static_configs', 0, 'targets'], [new URL(alertmanagerUrl).host]],
    [[...discovery, 'host'], `unix://${engineSocket}`],
    [[...discovery, 'refresh_interval'], '1s'],
  ])
  const rules = changed('rules.yml', [
    [['groups', 0, 'rules', 0, 'for'], '1s'],
    [['groups', 0, 'rules', 1, 'for'], '2s'],
  ])
  const proxied = parseDocument(prometheus)
  proxied.setIn(['scrape_configs', 0, 'proxy_url'], proxyUrl)
  const own = { source_labels: ['__meta_dockerswarm_service_name'], regex: service, action: 'keep' }
  proxied.addIn(['scrape_configs', 0, 'relabel_configs'], proxied.createNode(own))
  return { 'prometheus.yml': proxied.toString(), 'rules.yml': rules }
}

/** One rule for all services, which a page is to be told about too, over targets of this machine. */
export function rulesOverTargets(targets: {
  readonly alertmanagerUrl: string
  readonly metrics: readonly string[]
}): Record<string, string> {
  const file = parse(readFileSync(join(exampleFolder, 'rules.yml'), 'utf8'))
  const [hot] = file.groups[0].rules
  Object.assign(hot, { for: '1s', labels: { ...hot.labels, severity: 'page' } })
  const at = (urls: readonly string[]) => [{ targets: urls.map((url) => new URL(url).host) }]
  const prometheus = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yml'],
    alerting: { alertmanagers: [{ static_configs: at([targets.alertmanagerUrl]) }] },
    scrape_configs: [{ job_name: 'all', static_configs: at(targets.metrics), honor_labels: true }],
  }
  return {
    'prometheus.yml': stringify(prometheus),
    'rules.yml': stringify({ groups: [{ name: 'scale', rules: [hot] }] }),
  }
}
