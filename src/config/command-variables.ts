/** What only the commands read that talk to a controller. */
import { Type } from '@sinclair/typebox'
import { httpUrl, text } from './values.ts'
import { variable } from './variable.ts'

export const commandVariables = {
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
}
