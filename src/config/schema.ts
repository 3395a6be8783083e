/**
 * Every environment variable, once: the type `Config`, the defaults and the table in docs/configuration.md come from here.
 * Operators rely on names and defaults as they are. A variable appears here when something reads it.
 */
import { type StaticDecode, type StringOptions, Type } from '@sinclair/typebox'
import { parseDuration } from '../foundation/duration.ts'
import { parseCidrList } from './cidr-list.ts'
import { parseListenAddresses } from './listen-address.ts'
import { parsePathPrefix } from './path-prefix.ts'

/** What a variable says of itself, beside its default. */
export interface VariableOptions extends StringOptions {
  /** The variable's name. */
  env: string
  /** Who reads it: the controller, the agent, or the commands that talk to a controller. */
  role: 'serve' | 'agent' | 'commands'
  /** One line for the table; Markdown. */
  description: string
  /** As it is written in the environment; absent: not set. */
  default?: string
  /** Its value appears in no message. */
  secret?: boolean
}

const variable = <T>(options: VariableOptions, parse: (text: string) => T) =>
  Type.Transform(Type.String(options))
    .Decode(parse)
    .Encode((value) => String(value))

const text = (value: string): string => value

function flag(value: string): boolean {
  if (/^(true|1|yes|on)$/i.test(value)) return true
  if (/^(false|0|no|off)$/i.test(value)) return false
  throw new Error('write true or false')
}

function duration(value: string): number {
  const ms = parseDuration(value)
  if (ms === undefined) throw new Error('write a duration such as 30s, 5m or 1h, or a whole number of seconds')
  return ms
}

function httpUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value.replace(/\/+$/, '')
  throw new Error('write a URL such as http://127.0.0.1:8000')
}

function httpUrls(value: string): readonly string[] {
  const written = value.split(',').map((url) => url.trim())
  return written.filter((url) => url !== '').map(httpUrl)
}

function dockerHost(value: string): string {
  if (/^(unix:\/\/\/.|tcp:\/\/[^/]|https?:\/\/[^/])/.test(value)) return value
  throw new Error('write unix:///path/to/docker.sock or tcp://host:2376')
}

function apiVersion(value: string): string {
  const version = value.replace(/^v/, '')
  if (/^\d{1,2}\.\d{1,3}$/.test(version)) return version
  throw new Error('write an engine API version such as 1.44, or better leave it out')
}

function headerName(value: string): string {
  if (/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value)) return value
  throw new Error('write the name of a header, such as X-Grafana-Alerting-Timestamp')
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

function logLevel(value: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === value.toLowerCase())
  if (level === undefined) throw new Error(`write one of ${LOG_LEVELS.join(', ')}`)
  return level
}

export const ConfigSchema = Type.Object({
  listen: variable(
    {
      env: 'ORRERY_LISTEN',
      role: 'serve',
      default: '0.0.0.0:8000',
      description: 'Where to listen: `host:port`, `[::]:port` or `:port`, several with commas.',
    },
    parseListenAddresses,
  ),
  dockerHost: variable(
    {
      env: 'DOCKER_HOST',
      role: 'serve',
      default: 'unix:///var/run/docker.sock',
      description: 'The engine of a Swarm manager: `unix://` or `tcp://`.',
    },
    dockerHost,
  ),
  dockerTlsVerify: variable(
    {
      env: 'DOCKER_TLS_VERIFY',
      role: 'serve',
      default: '',
      description: "As with Docker's own client: any value means TLS with a verified engine.",
    },
    (value) => value !== '',
  ),
  dockerCertPath: Type.Optional(
    variable(
      {
        env: 'DOCKER_CERT_PATH',
        role: 'serve',
        description: 'Folder with `ca.pem`, `cert.pem` and `key.pem` for the engine.',
      },
      text,
    ),
  ),
  dockerApiVersion: Type.Optional(
    variable(
      {
        env: 'DOCKER_API_VERSION',
        role: 'serve',
        description:
          'Honoured with a warning: an older version makes the engine strip newer fields from every service that is scaled.',
      },
      apiVersion,
    ),
  ),
  policyDir: variable(
    {
      env: 'ORRERY_POLICY_DIR',
      role: 'serve',
      default: 'autoscalers',
      description: 'Folder of policy files (`autoscalers/README.md`).',
    },
    text,
  ),
  networkDir: variable(
    {
      env: 'ORRERY_NETWORK_DIR',
      role: 'serve',
      default: 'networks',
      description: 'Folder of network definitions (`networks/README.md`). The commands `network …` read it too.',
    },
    text,
  ),
  networkAuto: variable(
    {
      env: 'ORRERY_NETWORK_AUTO',
      role: 'serve',
      default: 'false',
      description:
        'Put new definitions in force and give ranges to new nodes without being told (docs/networks.md). What is in force is never changed or removed by itself.',
    },
    flag,
  ),
  tokenFile: Type.Optional(
    variable(
      {
        env: 'ORRERY_TOKEN_FILE',
        role: 'serve',
        description:
          'File of `role token` lines. Without it reads are open and writes are local only (docs/http-api.md).',
      },
      text,
    ),
  ),
  trustedCidrs: variable(
    {
      env: 'ORRERY_TRUSTED_CIDRS',
      role: 'serve',
      default: '',
      description: 'Networks that may write when there is no token file, with commas: `10.0.0.0/8,fd00::/8`.',
    },
    parseCidrList,
  ),
  grafanaSecretFile: Type.Optional(
    variable(
      {
        env: 'ORRERY_GRAFANA_SECRET_FILE',
        role: 'serve',
        description:
          "File with the HMAC secret of Grafana's contact point. When set, `/v1/webhook/grafana` takes only what is signed with it.",
      },
      text,
    ),
  ),
  grafanaTimestampHeader: Type.Optional(
    variable(
      {
        env: 'ORRERY_GRAFANA_TIMESTAMP_HEADER',
        role: 'serve',
        description:
          'The timestamp header of that contact point, if it has one: signatures are then refused when they are older than 300 s.',
      },
      headerName,
    ),
  ),
  orbiterAuthUser: Type.Optional(
    variable(
      {
        env: 'ORBITER_AUTH_USER',
        role: 'serve',
        description: 'With `ORBITER_AUTH_PASS`: one more credential (HTTP Basic) with the role `scale`.',
      },
      text,
    ),
  ),
  orbiterAuthPass: Type.Optional(
    variable({ env: 'ORBITER_AUTH_PASS', role: 'serve', secret: true, description: 'See `ORBITER_AUTH_USER`.' }, text),
  ),
  tlsCertFile: Type.Optional(
    variable(
      {
        env: 'ORRERY_TLS_CERT_FILE',
        role: 'serve',
        description: 'Certificate chain (PEM): serve HTTPS on every address.',
      },
      text,
    ),
  ),
  tlsKeyFile: Type.Optional(
    variable({ env: 'ORRERY_TLS_KEY_FILE', role: 'serve', description: 'Its private key (PEM).' }, text),
  ),
  tlsCaFile: Type.Optional(
    variable(
      {
        env: 'ORRERY_TLS_CA_FILE',
        role: 'serve',
        description:
          'Authorities (PEM). When set, every client, `/healthz` and `/metrics` included, must show a certificate of one of them.',
      },
      text,
    ),
  ),
  dedupWindowMs: variable(
    {
      env: 'ORRERY_DEDUP_WINDOW',
      role: 'serve',
      default: '60s',
      description: 'How long an `Idempotency-Key` that changed a count is remembered.',
    },
    duration,
  ),
  dryRun: variable(
    {
      env: 'ORRERY_DRY_RUN',
      role: 'serve',
      default: 'false',
      description: 'Decide and report for every service, never write.',
    },
    flag,
  ),
  alertmanagerUrl: Type.Optional(
    variable(
      {
        env: 'ALERTMANAGER_URL',
        role: 'serve',
        description:
          'Alertmanager, asked once a minute which standing alerts still fire (docs/alerts.md): `http://alertmanager:9093`.',
      },
      httpUrl,
    ),
  ),
  serverPrefix: variable(
    {
      env: 'SERVER_PREFIX',
      role: 'serve',
      default: '/',
      description:
        "docker-scaler's routes (`/v1/scale-service`, `/v1/ping`) are served below this path too: `/scaler`.",
    },
    parsePathPrefix,
  ),
  logLevel: variable(
    {
      env: 'LOG_LEVEL',
      role: 'serve',
      default: 'info',
      description: `One of ${LOG_LEVELS.map((l) => `\`${l}\``).join(', ')}.`,
    },
    logLevel,
  ),
  agentTokenFile: Type.Optional(
    variable(
      {
        env: 'ORRERY_AGENT_TOKEN_FILE',
        role: 'agent',
        description:
          'File with the bare token that the agent sends: in the token file of the controllers it has the role `agent`.',
      },
      text,
    ),
  ),
  controllers: variable(
    {
      env: 'ORRERY_CONTROLLERS',
      role: 'agent',
      default: '',
      description:
        'URLs of the controllers, with commas. By default every manager that the local engine names, on port 8000, by HTTP.',
    },
    httpUrls,
  ),
  stateDir: variable(
    {
      env: 'ORRERY_STATE_DIR',
      role: 'agent',
      default: '/var/lib/orrery',
      description: 'Folder where the agent keeps what was last wanted of its node.',
    },
    text,
  ),
  url: variable(
    {
      env: 'ORRERY_URL',
      role: 'commands',
      default: 'http://127.0.0.1:8000',
      description:
        'The controller that `ls`, `up` and `down` talk to, and that `network` asks for what only agents know.',
    },
    httpUrl,
  ),
  cliTokenFile: Type.Optional(
    variable(
      {
        env: 'ORRERY_CLI_TOKEN_FILE',
        role: 'commands',
        description:
          'File with the bare token that the commands send. Without it, the strongest one of `ORRERY_TOKEN_FILE` if that is set.',
      },
      text,
    ),
  ),
  orbiterHost: Type.Optional(
    variable(
      {
        env: 'ORBITER_HOST',
        role: 'commands',
        description: "What Orbiter's commands (`orbiter autoscaler ls`, `orbiter system events`) talk to.",
      },
      httpUrl,
    ),
  ),
})

/** Durations in ms; what is not set and has no default is absent. */
export type Config = StaticDecode<typeof ConfigSchema>
