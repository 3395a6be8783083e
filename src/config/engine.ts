/** How to get to the engine. */
import { apiVersion, dockerHost, socketPath, text } from './values.ts'
import { variablesOf } from './variable.ts'

const { withDefault, optional } = variablesOf('serve')

export const engineVariables = {
  dockerHost: withDefault(
    'DOCKER_HOST',
    'unix:///var/run/docker.sock',
    dockerHost,
    'The engine of a Swarm manager: `unix://` or `tcp://`.',
  ),
  dockerTlsVerify: withDefault(
    'DOCKER_TLS_VERIFY',
    '',
    (value) => value !== '',
    "As with Docker's own client: any value means TLS with a verified engine.",
  ),
  dockerCertPath: optional('DOCKER_CERT_PATH', text, 'Folder with `ca.pem`, `cert.pem` and `key.pem` for the engine.'),
  dockerApiVersion: optional(
    'DOCKER_API_VERSION',
    apiVersion,
    'Honoured with a warning: an older version makes the engine strip newer fields from every service that is scaled.',
  ),
  swarmSocket: withDefault(
    'ORRERY_SWARM_SOCKET',
    '/var/run/docker/swarm/control.sock',
    socketPath,
    "The control socket of that manager's engine, below its exec-root: tasks are followed there as they change. `off`, or no such socket: they are asked for each second (docs/operations.md).",
  ),
}
