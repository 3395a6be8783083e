/** How an environment variable is declared: a string with a name, a description and a parser, as a TypeBox transform. */
import { type StringOptions, Type } from '@sinclair/typebox'

/** What a variable says of itself, beside its default. */
export interface VariableOptions extends StringOptions {
  /** The variable's name. */
  env: string
  /** Who reads it: the controller, the agent, or the commands that talk to a controller. */
  role: 'serve' | 'agent' | 'commands'
  /** One line for the table; Markdown. */
  description: string
  /** As it is written in the environment; absent: not set. */
  default?: string
  /** Its value appears in no message. */
  secret?: boolean
}

export const variable = <T>(options: VariableOptions, parse: (text: string) => T) =>
  Type.Transform(Type.String(options))
    .Decode(parse)
    .Encode((value) => String(value))
