/** How an environment variable is declared: a string with a name, a description and a parser, as a TypeBox transform. */
import { type StringOptions, Type } from '@sinclair/typebox'

/** What a variable may say of itself beside its name, its default and its meaning. */
interface VariableFacts {
  /** Its value appears in no message. */
  secret?: boolean
  /** Another variable that must be set where this one is. */
  needs?: string
}

export interface VariableOptions extends VariableFacts, StringOptions {
  /** The variable's name. */
  env: string
  /** One line for the table; Markdown. */
  description: string
  /** As it is written in the environment; absent: not set. */
  default?: string
  /** Who reads it: the controller, the agent, or the commands that talk to a controller. */
  role: 'serve' | 'agent' | 'commands'
}

type Parse<T> = (text: string) => T

/** Declares the variables of one role: with a default (empty: as if it were written so), or optional. */
export function variablesOf(role: VariableOptions['role']) {
  const declare = <T>(options: Omit<VariableOptions, 'role'>, parse: Parse<T>) =>
    Type.Transform(Type.String({ ...options, role }))
      .Decode(parse)
      .Encode((value) => String(value))
  return {
    withDefault: <T>(env: string, fallback: string, parse: Parse<T>, description: string) =>
      declare({ env, description, default: fallback }, parse),
    optional: <T>(env: string, parse: Parse<T>, description: string, facts: VariableFacts = {}) =>
      Type.Optional(declare({ env, description, ...facts }, parse)),
  }
}
