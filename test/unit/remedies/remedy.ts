/** A message that names a remedy, and what is left of it when somebody does as it says. */
import { messageOf } from '../../../src/foundation/errors.ts'

/** `Input`: whatever a person can change about it. */
export interface RemedyCase<Input> {
  readonly bad: Input
  /** The message, among those that are told of `bad`. Its groups are the words that the remedies are taken from. */
  readonly says: RegExp
  /** For each remedy that it names: the same with that done, and in the message's own words where it has some. */
  readonly mends: readonly ((...groups: readonly string[]) => Input)[]
}

export interface Remedy {
  readonly name: string
  readonly says: RegExp
  /** `told` before, and what is left after each remedy; everything told, this message or not. */
  readonly run: () => Promise<{ readonly told: readonly string[]; readonly left: readonly (readonly string[])[] }>
}

type Tell<Input> = (input: Input) => readonly string[] | Promise<readonly string[]>

/** `tell`: everything that is told of an input, a text each. Throws where a case's message is not among them. */
export const remediesOf = <Input>(of: string, tell: Tell<Input>, cases: readonly RemedyCase<Input>[]): Remedy[] =>
  cases.map(({ bad, says, mends }) => ({
    name: `${of}: ${says.source.replace(/\\(\W)/g, '$1')}`,
    says,
    async run() {
      const told = await tell(bad)
      const groups = told.map((text) => says.exec(text)).find((found) => found !== null)
      if (groups === undefined) throw new Error(`nothing like ${says} is told, but: ${told.join('\n')}`)
      const left: (readonly string[])[] = []
      for (const mend of mends) left.push(await tell(mend(...groups.slice(1))))
      return { told, left }
    },
  }))

/** What somebody is told of a fault; nothing where there is none. */
export const failure = async (work: () => unknown): Promise<readonly string[]> => {
  try {
    await work()
    return []
  } catch (error) {
    return [messageOf(error)]
  }
}
