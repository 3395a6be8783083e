/** Networks and their ranges. */
import { flag, text } from './values.ts'
import { variablesOf } from './variable.ts'

const { withDefault } = variablesOf('serve')

export const networkVariables = {
  networkDir: withDefault(
    'ORRERY_NETWORK_DIR',
    'networks',
    text,
    'Folder of network definitions (`networks/README.md`). The commands `network …` read it too.',
  ),
  networkAuto: withDefault(
    'ORRERY_NETWORK_AUTO',
    'false',
    flag,
    'Activate new definitions and give ranges to new nodes without being told (docs/networks.md). What is active is never changed or removed by itself.',
  ),
}
