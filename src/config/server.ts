/** Where the controller listens, and who may call it. */
import { cidrs, headerName, listenAddresses, names, pages, text } from './values.ts'
import { variablesOf } from './variable.ts'

const { withDefault, optional } = variablesOf('serve')

export const serverVariables = {
  listen: withDefault(
    'ORRERY_LISTEN',
    '0.0.0.0:8000',
    listenAddresses,
    'Where to listen: `host:port`, `[::]:port` or `:port`, several with commas.',
  ),
  agentListen: withDefault(
    'ORRERY_AGENT_LISTEN',
    '0.0.0.0:8001',
    listenAddresses,
    'Where to listen for agents, which prove by their Swarm certificates which node they are on (docs/operations.md).',
  ),
  swarmCertDir: withDefault(
    'ORRERY_SWARM_CERT_DIR',
    '/var/lib/docker/swarm/certificates',
    text,
    "Folder with this node's Swarm certificate, its key and the cluster's CA: `swarm/certificates` below the engine's data root. The agent reads it too.",
  ),
  hosts: withDefault(
    'ORRERY_HOSTS',
    '',
    names,
    'Further names of this machine, with commas: without a token file only they, its own name, localhost and addresses are answered as `Host`.',
  ),
  ui: withDefault(
    'ORRERY_UI',
    'on',
    pages,
    'The dashboard at `/ui`: `on`; `read`, where no web page may change anything; `off`, where it is not served either.',
  ),
  tlsCertFile: optional('ORRERY_TLS_CERT_FILE', text, 'Certificate chain (PEM): serve HTTPS on every address.', {
    needs: 'ORRERY_TLS_KEY_FILE',
  }),
  tlsKeyFile: optional('ORRERY_TLS_KEY_FILE', text, 'Its private key (PEM).', { needs: 'ORRERY_TLS_CERT_FILE' }),
  tlsCaFile: optional(
    'ORRERY_TLS_CA_FILE',
    text,
    'Authorities (PEM). When set, every client, `/healthz` and `/metrics` included, must show a certificate of one of them.',
    { needs: 'ORRERY_TLS_CERT_FILE' },
  ),
  tokenFile: optional(
    'ORRERY_TOKEN_FILE',
    text,
    'File of `role token` lines. Without it reads are open and writes are local only (docs/http-api.md).',
  ),
  trustedCidrs: withDefault(
    'ORRERY_TRUSTED_CIDRS',
    '',
    cidrs,
    'Networks that may write when there is no token file, with commas: `10.0.0.0/8,fd00::/8`.',
  ),
  grafanaSecretFile: optional(
    'ORRERY_GRAFANA_SECRET_FILE',
    text,
    "File with the HMAC secret of Grafana's contact point. When set, `/v1/webhook/grafana` takes only what is signed with it.",
  ),
  grafanaTimestampHeader: optional(
    'ORRERY_GRAFANA_TIMESTAMP_HEADER',
    headerName,
    'The timestamp header of that contact point, if it has one: signatures are then refused when they are older than 300 s.',
    { needs: 'ORRERY_GRAFANA_SECRET_FILE' },
  ),
  orbiterAuthUser: optional(
    'ORBITER_AUTH_USER',
    text,
    'With `ORBITER_AUTH_PASS`: one more credential (HTTP Basic) with the role `scale`.',
    { needs: 'ORBITER_AUTH_PASS' },
  ),
  orbiterAuthPass: optional('ORBITER_AUTH_PASS', text, 'See `ORBITER_AUTH_USER`.', {
    secret: true,
    needs: 'ORBITER_AUTH_USER',
  }),
}
