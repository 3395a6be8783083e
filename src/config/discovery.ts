/** What discovery reads: where Consul is and how it is written to. */
import { consulUrl, duration, flag, oneOf, text, texts } from './values.ts'
import { variablesOf } from './variable.ts'

const { withDefault, optional } = variablesOf('serve')

export const discoveryVariables = {
  consulAddress: optional(
    'CONSUL_HTTP_ADDR',
    consulUrl,
    'Consul, as `http://127.0.0.1:8500`: every container is registered there with its own address (docs/discovery.md). Not set: nothing is. Agents read it, and the files for it, in the mode `agent`.',
  ),
  consulTokenFile: optional(
    'CONSUL_HTTP_TOKEN_FILE',
    text,
    'File with the bare ACL token. Read again at each call, so that it can be rotated.',
  ),
  consulCaFile: optional('CONSUL_CACERT', text, "Authority (PEM) of Consul's certificate."),
  consulCertFile: optional('CONSUL_CLIENT_CERT', text, 'Certificate (PEM) to show to Consul.', {
    needs: 'CONSUL_CLIENT_KEY',
  }),
  consulKeyFile: optional('CONSUL_CLIENT_KEY', text, 'Its private key (PEM).', { needs: 'CONSUL_CLIENT_CERT' }),
  consulDatacenter: optional(
    'ORRERY_CONSUL_DATACENTER',
    text,
    'The datacenter to write to. Not set: that of the Consul that is asked.',
  ),
  consulMode: withDefault(
    'ORRERY_CONSUL_MODE',
    'catalog',
    oneOf(['catalog', 'agent']),
    "`catalog`: one controller writes all entries. `agent`: each agent with a `CONSUL_HTTP_ADDR` of its own registers its node's tasks with the Consul agent there.",
  ),
  consulPrometheus: optional(
    'ORRERY_CONSUL_PROMETHEUS',
    text,
    'Name of the service in Consul that is Prometheus: a passing instance is asked in place of `PROMETHEUS_URL`, by HTTP.',
    { needs: 'CONSUL_HTTP_ADDR' },
  ),
  consulNodeGraceMs: withDefault(
    'ORRERY_CONSUL_NODE_GRACE',
    '30s',
    duration,
    'How long the entries of a node that is down stay after Swarm last called it ready.',
  ),
  consulExplicit: withDefault('ORRERY_CONSUL_EXPLICIT', 'false', flag, 'Register only what has a `SERVICE_NAME`.'),
  consulIgnore: withDefault(
    'ORRERY_CONSUL_IGNORE',
    '',
    texts,
    'Names of Swarm services that are never registered, with commas; `*` stands for any text: `infra_*,db`.',
  ),
}
