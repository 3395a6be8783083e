/** How an environment variable is declared: a string with a name, a description and a parser, as a TypeBox transform. */
import { type StringOptions, Type } from '@sinclair/typebox'

/** What a variable says of itself, beside its default. */
interface VariableFacts extends StringOptions {
  /** The variable's name. */
  env: string
  /** One line for the table; Markdown. */
  description: string
  /** As it is written in the environment; absent: not set. */
  default?: string
  /** Its value appears in no message. */
  secret?: boolean
}

export interface VariableOptions extends VariableFacts {
  /** Who reads it: the controller, the agent, or the commands that talk to a controller. */
  role: 'serve' | 'agent' | 'commands'
}

/** Declares the variables of one role. */
export const variablesOf =
  (role: VariableOptions['role']) =>
  <T>(options: VariableFacts, parse: (text: string) => T) =>
    Type.Transform(Type.String({ ...options, role }))
      .Decode(parse)
      .Encode((value) => String(value))
