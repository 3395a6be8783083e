/** What the controller reads; the agent and the commands read some of it too. */
import { Type } from '@sinclair/typebox'
import { parseCidrList } from './cidr-list.ts'
import { parseListenAddresses } from './listen-address.ts'
import { parsePathPrefix } from './path-prefix.ts'
import { apiVersion, dockerHost, duration, flag, headerName, httpUrl, LOG_LEVELS, logLevel, text } from './values.ts'
import { variablesOf } from './variable.ts'

const variable = variablesOf('serve')

export const controllerVariables = {
  listen: variable(
    {
      env: 'ORRERY_LISTEN',
      default: '0.0.0.0:8000',
      description: 'Where to listen: `host:port`, `[::]:port` or `:port`, several with commas.',
    },
    parseListenAddresses,
  ),
  dockerHost: variable(
    {
      env: 'DOCKER_HOST',
      default: 'unix:///var/run/docker.sock',
      description: 'The engine of a Swarm manager: `unix://` or `tcp://`.',
    },
    dockerHost,
  ),
  dockerTlsVerify: variable(
    {
      env: 'DOCKER_TLS_VERIFY',
      default: '',
      description: "As with Docker's own client: any value means TLS with a verified engine.",
    },
    (value) => value !== '',
  ),
  dockerCertPath: Type.Optional(
    variable(
      {
        env: 'DOCKER_CERT_PATH',
        description: 'Folder with `ca.pem`, `cert.pem` and `key.pem` for the engine.',
      },
      text,
    ),
  ),
  dockerApiVersion: Type.Optional(
    variable(
      {
        env: 'DOCKER_API_VERSION',
        description:
          'Honoured with a warning: an older version makes the engine strip newer fields from every service that is scaled.',
      },
      apiVersion,
    ),
  ),
  policyDir: variable(
    {
      env: 'ORRERY_POLICY_DIR',
      default: 'autoscalers',
      description: 'Folder of policy files (`autoscalers/README.md`).',
    },
    text,
  ),
  networkDir: variable(
    {
      env: 'ORRERY_NETWORK_DIR',
      default: 'networks',
      description: 'Folder of network definitions (`networks/README.md`). The commands `network …` read it too.',
    },
    text,
  ),
  networkAuto: variable(
    {
      env: 'ORRERY_NETWORK_AUTO',
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
        description:
          'File of `role token` lines. Without it reads are open and writes are local only (docs/http-api.md).',
      },
      text,
    ),
  ),
  trustedCidrs: variable(
    {
      env: 'ORRERY_TRUSTED_CIDRS',
      default: '',
      description: 'Networks that may write when there is no token file, with commas: `10.0.0.0/8,fd00::/8`.',
    },
    parseCidrList,
  ),
  grafanaSecretFile: Type.Optional(
    variable(
      {
        env: 'ORRERY_GRAFANA_SECRET_FILE',
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
        description: 'With `ORBITER_AUTH_PASS`: one more credential (HTTP Basic) with the role `scale`.',
      },
      text,
    ),
  ),
  orbiterAuthPass: Type.Optional(
    variable({ env: 'ORBITER_AUTH_PASS', secret: true, description: 'See `ORBITER_AUTH_USER`.' }, text),
  ),
  tlsCertFile: Type.Optional(
    variable(
      {
        env: 'ORRERY_TLS_CERT_FILE',
        description: 'Certificate chain (PEM): serve HTTPS on every address.',
      },
      text,
    ),
  ),
  tlsKeyFile: Type.Optional(variable({ env: 'ORRERY_TLS_KEY_FILE', description: 'Its private key (PEM).' }, text)),
  tlsCaFile: Type.Optional(
    variable(
      {
        env: 'ORRERY_TLS_CA_FILE',
        description:
          'Authorities (PEM). When set, every client, `/healthz` and `/metrics` included, must show a certificate of one of them.',
      },
      text,
    ),
  ),
  dedupWindowMs: variable(
    {
      env: 'ORRERY_DEDUP_WINDOW',
      default: '60s',
      description: 'How long an `Idempotency-Key` that changed a count is remembered.',
    },
    duration,
  ),
  dryRun: variable(
    {
      env: 'ORRERY_DRY_RUN',
      default: 'false',
      description: 'Decide and report for every service, never write.',
    },
    flag,
  ),
  alertmanagerUrl: Type.Optional(
    variable(
      {
        env: 'ALERTMANAGER_URL',
        description:
          'Alertmanager, asked once a minute which standing alerts still fire (docs/alerts.md): `http://alertmanager:9093`.',
      },
      httpUrl,
    ),
  ),
  serverPrefix: variable(
    {
      env: 'SERVER_PREFIX',
      default: '/',
      description:
        "docker-scaler's routes (`/v1/scale-service`, `/v1/ping`) are served below this path too: `/scaler`.",
    },
    parsePathPrefix,
  ),
  logLevel: variable(
    {
      env: 'LOG_LEVEL',
      default: 'info',
      description: `One of ${LOG_LEVELS.map((l) => `\`${l}\``).join(', ')}.`,
    },
    logLevel,
  ),
}
