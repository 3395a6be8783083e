/** What only the commands read that talk to a controller. */
import { httpUrl, text } from './values.ts'
import { variablesOf } from './variable.ts'

const { withDefault, optional } = variablesOf('commands')

export const commandVariables = {
  url: withDefault(
    'ORRERY_URL',
    'http://127.0.0.1:8000',
    httpUrl,
    'The controller that `ls`, `up` and `down` talk to, and that `network` asks for what only agents know. A path before the API’s and a credential (`http://any:<token>@host/orrery`) are sent along.',
  ),
  cliTokenFile: optional(
    'ORRERY_CLI_TOKEN_FILE',
    text,
    'File with the bare token that the commands send. Without it, the strongest one of `ORRERY_TOKEN_FILE` if that is set.',
  ),
  orbiterHost: optional(
    'ORBITER_HOST',
    httpUrl,
    "What Orbiter's commands (`orbiter autoscaler ls`, `orbiter system events`) talk to.",
  ),
}
