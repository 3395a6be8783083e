/** The files of docs/examples/alertmanager as the tests run them: other addresses, and intervals that do not take hours. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
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

export interface PrometheusChanges {
  readonly alertmanagerUrl: string
  readonly engineSocket: string
  /** An HTTP proxy that reaches the tasks. */
  readonly proxyUrl: string
}

export function prometheusFiles({
  alertmanagerUrl,
  engineSocket,
  proxyUrl,
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
  return { 'prometheus.yml': proxied.toString(), 'rules.yml': rules }
}
