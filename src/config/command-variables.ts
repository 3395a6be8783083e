/** What only the commands read that talk to a controller. */
import { Type } from '@sinclair/typebox'
import { httpUrl, text } from './values.ts'
import { variablesOf } from './variable.ts'

const variable = variablesOf('commands')

export const commandVariables = {
  url: variable(
    {
      env: 'ORRERY_URL',
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
        description: "What Orbiter's commands (`orbiter autoscaler ls`, `orbiter system events`) talk to.",
      },
      httpUrl,
    ),
  ),
}
