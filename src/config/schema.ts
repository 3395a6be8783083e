/**
 * Every environment variable, once: the type `Config`, the defaults and the tables of docs/configuration.md come from here.
 * Operators rely on names and defaults as they are. A variable appears here when something reads it.
 */
import { type StaticDecode, Type } from '@sinclair/typebox'
import { agentVariables } from './agent.ts'
import { autoscalingVariables } from './autoscaling.ts'
import { commandVariables } from './commands.ts'
import { discoveryVariables } from './discovery.ts'
import { engineVariables } from './engine.ts'
import { networkVariables } from './networks.ts'
import { serverVariables } from './server.ts'
import { LOG_LEVELS, logLevel } from './values.ts'
import { variablesOf } from './variable.ts'

const { withDefault } = variablesOf('serve')

/** One line a group, in the order of the tables. */
export const ConfigSchema = Type.Object({
  ...serverVariables,
  ...engineVariables,
  ...autoscalingVariables,
  ...networkVariables,
  ...discoveryVariables,
  logLevel: withDefault(
    'LOG_LEVEL',
    'info',
    logLevel,
    `One of ${LOG_LEVELS.map((level) => `\`${level}\``).join(', ')}.`,
  ),
  ...agentVariables,
  ...commandVariables,
})

/** Durations in ms; what is not set and has no default is absent. */
export type Config = StaticDecode<typeof ConfigSchema>
