/** `orrery completion <shell>`: a script for the shell, made from the command tree; names come from the controller. */
import type { Command } from 'commander'
import type { WireAutoscaler } from '../http/wire/autoscaler.ts'
import type { Console, ExitCode } from './console.ts'
import { callController } from './controller-client.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** Each script asks `orrery complete -- <words>`, so that a newer program needs no new script. */
const SCRIPTS: Record<Shell, string> = {
  bash: `_orrery() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(orrery complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _orrery orrery
`,
  zsh: `#compdef orrery
_orrery() {
  local -a found
  found=("\${(@f)$(orrery complete -- "\${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
  compadd -- $found
}
compdef _orrery orrery
`,
  fish: `complete -c orrery -f -a '(orrery complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
}

export const completionScript = (shell: Shell): string => SCRIPTS[shell]

/** `words`: what stands behind `orrery`, the last one unfinished. Never throws: a shell shows nothing then. */
export async function complete(root: Command, words: readonly string[], io: Console): Promise<ExitCode> {
  const typed = words.at(-1) ?? ''
  let command = root
  let given = 0
  for (const word of words.slice(0, -1)) {
    const next = command.commands.find((one) => one.name() === word)
    if (next !== undefined && given === 0) command = next
    else if (!word.startsWith('-')) given += 1
  }
  const found = typed.startsWith('-')
    ? command.options.flatMap(({ long }) => (long === undefined ? [] : [long]))
    : [
        ...command
          .createHelp()
          .visibleCommands(command)
          .map((one) => one.name()),
        ...(await namesFor(command, given, io)),
      ]
  const shown = found.filter((one) => one.startsWith(typed))
  io.out(shown.map((one) => `${one}\n`).join(''))
  return 0
}

/** What stands for a name in a shell, and is nothing else there: bash expands the words that it chooses from. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/

async function namesFor(command: Command, given: number, io: Console): Promise<readonly string[]> {
  const argument = command.registeredArguments[given]
  if (argument === undefined) return []
  if (argument.argChoices !== undefined) return argument.argChoices
  if (argument.name() !== 'name') return []
  const kind = command.parent?.name() === 'network' ? 'network' : 'autoscaler'
  try {
    const { status, text } = await callController(io, { path: `/v1/${kind}` })
    if (status !== 200) return []
    const list: Readonly<Record<string, readonly Pick<WireAutoscaler, 'name'>[]>> = JSON.parse(text)
    return (list[`${kind}s`] ?? []).map(({ name }) => name).filter((name) => NAME.test(name))
  } catch {
    // Nobody answers: the shell completes nothing.
    return []
  }
}
