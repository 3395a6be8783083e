/** Policies, calls and alerts. */
import { duration, flag, httpUrl, pathPrefix, text, tick } from './values.ts'
import { variablesOf } from './variable.ts'

const { withDefault, optional } = variablesOf('serve')

export const autoscalingVariables = {
  policyDir: withDefault('ORRERY_POLICY_DIR', 'autoscalers', text, 'Folder of policy files (`autoscalers/README.md`).'),
  dedupWindowMs: withDefault(
    'ORRERY_DEDUP_WINDOW',
    '60s',
    duration,
    'How long an `Idempotency-Key` that changed a count is remembered; if set, notifications too, else 100 s (docs/alerts.md).',
  ),
  dryRun: withDefault('ORRERY_DRY_RUN', 'false', flag, 'Decide and report for every service, never write.'),
  tickMs: withDefault(
    'ORRERY_TICK',
    '15s',
    tick,
    'How often measured load is evaluated; ticks are multiples of it on the wall clock (docs/load.md).',
  ),
  prometheusUrl: optional(
    'PROMETHEUS_URL',
    httpUrl,
    'Prometheus, or what speaks its API, for the queries of `autoscaler.metric.<n>.query`: `http://prometheus:9090`.',
  ),
  alertmanagerUrl: optional(
    'ALERTMANAGER_URL',
    httpUrl,
    'Alertmanager, asked once a minute which standing alerts still fire (docs/alerts.md): `http://alertmanager:9093`.',
  ),
  serverPrefix: withDefault(
    'SERVER_PREFIX',
    '/',
    pathPrefix,
    "docker-scaler's routes (`/v1/scale-service`, `/v1/ping`) are served below this path too: `/scaler`.",
  ),
}
