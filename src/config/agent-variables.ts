/** What only the agent reads. */
import { Type } from '@sinclair/typebox'
import { httpUrls, text } from './values.ts'
import { variablesOf } from './variable.ts'

const variable = variablesOf('agent')

export const agentVariables = {
  agentTokenFile: Type.Optional(
    variable(
      {
        env: 'ORRERY_AGENT_TOKEN_FILE',
        description:
          'File with the bare token that the agent sends: in the token file of the controllers it has the role `agent`.',
      },
      text,
    ),
  ),
  controllers: variable(
    {
      env: 'ORRERY_CONTROLLERS',
      default: '',
      description:
        'URLs of the controllers, with commas. By default every manager that the local engine names, on port 8000, by HTTP.',
    },
    httpUrls,
  ),
  stateDir: variable(
    {
      env: 'ORRERY_STATE_DIR',
      default: '/var/lib/orrery',
      description: 'Folder where the agent keeps what was last wanted of its node.',
    },
    text,
  ),
}
