/** The words of `orrery` that look at one autoscaler and change it. */
import { Argument, type Command, Option } from 'commander'
import { count, duration } from '../arguments.ts'
import type { Console, Run } from '../console.ts'
import type { JsonOption } from './call.ts'
import type { PauseOptions, SetOptions } from './change.ts'
import type { ExplainOptions } from './look.ts'

/** Of what steps and counts are asked for. */
export const EXIT_CODES = `
Exit codes: 0 scaled, or nothing to do (at its max or min, the same call before), 1 held (cooldown, rollout, paused, …) or
failed, 2 wrong usage.`

const DIRECTIONS = ['up', 'down', 'both']

export function addAutoscalerCommands(root: Command, io: Console, run: Run): void {
  const command = (words: string, description: string) =>
    root.command(words).description(description).allowExcessArguments(false).option('--json', 'for machines')
  const look = async () => await import('./look.ts')
  const change = async () => await import('./change.ts')

  command(
    'describe [name]',
    'show one autoscaler: policy with sources, conditions, last decisions; without a name, the controller',
  ).action(
    run(async (name: string | undefined, options: JsonOption) => await (await look()).describe(name, options, io)),
  )
  command('explain <name>', 'what a step up or down would do now, stage by stage; writes nothing')
    .addArgument(new Argument('[direction]', 'of the step').choices(['up', 'down']).default('up'))
    .option('--by <step>', 'instead of the step of the policy: 2 or 25%')
    .option('--replicas <count>', 'what setting this count would do', count)
    .action(
      run(
        async (name: string, direction: 'up' | 'down', options: ExplainOptions) =>
          await (await look()).explain({ name, direction }, options, io),
      ),
    )
  command(
    'tasks [name]',
    'tasks of one autoscaler or of all services, and the last that failed, with Swarm’s own words',
  ).action(run(async (name: string | undefined, options: JsonOption) => await (await look()).tasks(name, options, io)))
  command('history <name>', 'every change of the count that the controller saw, and who made it').action(
    run(async (name: string, options: JsonOption) => await (await look()).history(name, options, io)),
  )
  command('schedule <name>', 'the week: when which bounds hold, and what they come from').action(
    run(async (name: string, options: JsonOption) => await (await look()).schedule(name, options, io)),
  )
  command('decisions [name]', 'the last decisions, newest first: of one autoscaler or of all').action(
    run(async (name: string | undefined, options: JsonOption) => await (await look()).decisions(name, options, io)),
  )
  command('set <name>', 'set the count, inside the bounds; skips the cooldown, works at 0')
    .argument('<replicas>', 'the wanted count', count)
    .option('--expect <count>', 'only if the count is still this one', count)
    .option('--reason <text>', 'kept with the decision')
    .option('--key <key>', 'Idempotency-Key: repeating the call with it changes nothing')
    .addHelpText('after', EXIT_CODES)
    .action(
      run(
        async (name: string, replicas: string, options: SetOptions) =>
          await (await change()).set({ name, replicas }, options, io),
      ),
    )
  command('pause [name]', 'stop scaling of one autoscaler or of all, for a while or until resumed')
    .option('--all', 'every autoscaler, those to come too')
    .option('--for <duration>', 'as 30s, 5m or 1h; without it, until resumed', duration)
    .addOption(new Option('--direction <which>', 'which way').choices(DIRECTIONS))
    .option('--reason <text>', 'shown to everybody who asks why nothing scales')
    .action(run(async (...given: PauseArguments) => await (await change()).pause(oneOrAll(given), given[1], io)))
  command('resume [name]', 'end the pause of one autoscaler, or the pause of everything')
    .option('--all', 'the pause of everything; what is paused on its own stays paused')
    .addOption(new Option('--direction <which>', 'which way').choices(DIRECTIONS))
    .action(run(async (...given: PauseArguments) => await (await change()).resume(oneOrAll(given), given[1], io)))
  command('nodes', 'every node: role and leader, state, what it has and what is in use').action(
    run(async (options: JsonOption) => await (await import('./nodes.ts')).nodes(options, io)),
  )
  command('events', 'decisions and changes as they happen, until Ctrl-C').action(
    run(async (options: JsonOption) => await (await import('./follow.ts')).events(options, io)),
  )
}

type PauseArguments = [name: string | undefined, options: PauseOptions, command: Command]

/** `undefined`: all of them. A mistake in writing ends the command. */
function oneOrAll([name, { all }, command]: PauseArguments): string | undefined {
  if ((name === undefined) === (all === undefined)) command.error('error: name one autoscaler, or write --all')
  return name
}
