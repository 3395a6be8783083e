/**
 * Every environment variable, once: the type `Config`, the defaults and the table in docs/configuration.md come from here.
 * Operators rely on names and defaults as they are. A variable appears here when something reads it.
 */
import { type StaticDecode, Type } from '@sinclair/typebox'
import { agentVariables } from './agent-variables.ts'
import { commandVariables } from './command-variables.ts'
import { controllerVariables } from './controller-variables.ts'

export const ConfigSchema = Type.Object({ ...controllerVariables, ...agentVariables, ...commandVariables })

/** Durations in ms; what is not set and has no default is absent. */
export type Config = StaticDecode<typeof ConfigSchema>
