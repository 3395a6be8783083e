/** What only the agent reads. */
import { httpUrlsWithoutCredential, text } from './values.ts'
import { variablesOf } from './variable.ts'

const { withDefault, optional } = variablesOf('agent')

export const agentVariables = {
  agentTokenFile: optional(
    'ORRERY_AGENT_TOKEN_FILE',
    text,
    'Only where there are no Swarm certificates: file with the bare token that the agent sends. In the token file of the controllers it has the role `agent`.',
  ),
  controllers: withDefault(
    'ORRERY_CONTROLLERS',
    '',
    httpUrlsWithoutCredential,
    'URLs of the controllers, with commas. By default every manager that the local engine names, on port 8001, by HTTPS.',
  ),
  stateDir: withDefault(
    'ORRERY_STATE_DIR',
    '/var/lib/orrery',
    text,
    'Folder where the agent keeps what was last wanted of its node.',
  ),
}
