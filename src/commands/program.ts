/** The command line: which words start which command. Each is loaded when it is called: `ls` needs no server. */
import { Argument, Command, CommanderError } from 'commander'
import { messageOf } from '../foundation/errors.ts'
import { visibleLines } from '../foundation/visible-text.ts'
import { boolean } from './arguments.ts'
import { addAutoscalerCommands, EXIT_CODES } from './autoscaler/commands.ts'
import type { ScaleOptions } from './autoscaler/scale.ts'
import { SHELLS, type Shell } from './completion.ts'
import type { Console, ExitCode, Run } from './console.ts'
import type { ListOptions } from './ls.ts'
import { addNetworkCommands } from './network/commands.ts'
import type { RegistrationOptions } from './registrations.ts'
import type { ServeOptions } from './serve/serve.ts'
import type { UninstallOptions } from './uninstall/uninstall.ts'

/** Never throws. */
export async function runProgram(args: readonly string[], given: Console): Promise<ExitCode> {
  const io = onlyVisible(given)
  let exitCode: ExitCode = 0
  const run =
    <Args extends unknown[]>(command: (...given: Args) => Promise<ExitCode>) =>
    async (...given: Args) => {
      exitCode = await command(...given)
    }
  try {
    await program(io, run).parseAsync(normalized(args), { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    // What somebody's text may have in it looks like no line of its own.
    io.err(`orrery: ${messageOf(error).replace(/\n(?! {2})/g, '\n  ')}\n`)
    return 1
  }
}

const GO_FLAGS = /^-(port|debug)(=.*)?$/
const OWN_PATH = /^(\/.*\/)?(orrery|orbiter)$/

/**
 * As people and old stack files write them: Go's flags with one dash (`-port :9000`, `-debug=true`), and the program's own path
 * as the first word (`command: /bin/orbiter daemon --debug`).
 */
function normalized(args: readonly string[]): readonly string[] {
  const [first = '', ...rest] = args
  const own = OWN_PATH.test(first) ? rest : args
  return own.map((argument) => (GO_FLAGS.test(argument) ? `-${argument}` : argument))
}

/** Whatever a command prints, and wherever that comes from, only prints. */
const onlyVisible = (io: Console): Console => ({
  ...io,
  out: (text) => io.out(visibleLines(text)),
  err: (text) => io.err(visibleLines(text)),
})

export function program(io: Console, run: Run): Command {
  const root = new Command('orrery')
    .description('Autoscaling and routable containers for Docker Swarm.')
    .version(io.version)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('(orrery --help lists the commands)')
    .addHelpText(
      'after',
      '\nEnvironment: docs/configuration.md. Labels: docs/labels.md. Operators start at docs/operations.md.',
    )
  // Inherited, so that a wrong word anywhere is told in the same way. `down web 5` is a mistake, and not a step of 1.
  root.allowExcessArguments(false)
  const command = (name: string, description: string) => root.command(name).description(description)

  command('serve', 'run the controller (also without any word, where no terminal is attached)').action(
    run(async () => await startServing({}, io)),
  )
  command('daemon', "run the controller, with Orbiter's flags")
    .allowExcessArguments()
    .option('--port <address>', 'where to listen, as :8000', ':8000')
    .option('--debug [yes]', 'log more', boolean, false)
    .action(
      run(async ({ port, debug }: { port: string; debug: boolean }) => await startServing({ listen: port, debug }, io)),
    )
  command('agent', "keep this node's part of the networks: on every node, beside its engine").action(
    run(async () => await (await import('./agent.ts')).agent(io)),
  )
  command('ls', 'list the autoscalers')
    .option('--watch', 'go on, with a line for each one that changes')
    .option('--all', 'every service instead, with why it is not scaled')
    .option('--json', 'for machines')
    .action(run(async (options: ListOptions) => await (await import('./ls.ts')).list(options, io)))
  command('registrations', 'list what is in Consul, and what should be')
    .option('--service <name>', 'only of this Swarm service')
    .option('--json', 'for machines')
    .action(
      run(
        async (options: RegistrationOptions) => await (await import('./registrations.ts')).registrations(options, io),
      ),
    )
  for (const direction of ['up', 'down'] as const) {
    command(`${direction} <name>`, `scale ${direction} by one step`)
      .option('--by <step>', 'instead of the step of the policy: 2 or 25%')
      .option('--reason <text>', 'kept with the decision')
      .option('--key <key>', 'Idempotency-Key: repeating the call with it is one step')
      .option('--json', 'for machines')
      .addHelpText('after', EXIT_CODES)
      .action(
        run(
          async (name: string, options: ScaleOptions) =>
            await (await import('./autoscaler/scale.ts')).scale({ name, direction }, options, io),
        ),
      )
  }
  command('alive', "ask the controller or agent beside this process whether it is alive (the image's health check)")
    .option('--agent', 'ask the agent, also where a controller is as well')
    .action(run(async (options: { agent?: true }) => await (await import('./alive.ts')).alive(options, io)))
  addAutoscalerCommands(root, io, run)
  addNetworkCommands(root, io, run)
  command('uninstall', "take everything of Orrery's out of the Swarm and off its hosts; a plan first")
    .option('--yes', 'do it; without it, only the plan is shown')
    .option('--timeout <duration>', 'give up when nothing has happened for so long, as 5m (default: 1m)')
    .option('--json', 'for machines')
    .action(
      run(
        async (options: UninstallOptions) => await (await import('./uninstall/start.ts')).startUninstall(options, io),
      ),
    )
  root.command('docker-cli-plugin-metadata', { hidden: true }).action(() => {
    // What Docker's own client asks of a program named docker-orrery in ~/.docker/cli-plugins.
    const [SchemaVersion, Vendor, ShortDescription] = ['0.1.0', 'Orrery', root.description()]
    io.out(`${JSON.stringify({ SchemaVersion, Vendor, Version: io.version, ShortDescription })}\n`)
  })
  command('completion', 'print the completion script of a shell: source it')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action(
      run(async (shell: Shell) => {
        io.out((await import('./completion.ts')).completionScript(shell))
        return 0
      }),
    )
  root
    .command('complete [words...]', { hidden: true })
    .action(run(async (words: string[]) => await (await import('./completion.ts')).complete(root, words, io)))
  const autoscaler = command('autoscaler', "Orbiter's name for ls")
  autoscaler.command('ls').action(run(async () => await (await import('./orbiter.ts')).orbiterList(io)))
  const system = command('system', "Orbiter's name for the event stream")
  system.command('events').action(run(async () => await (await import('./orbiter.ts')).orbiterEvents(io)))
  // After all others, which would inherit it. A person who types the bare name wants to know what there is.
  root.allowExcessArguments().action(async (_options: object, { args: [word] }: Command) => {
    if (word !== undefined) root.error(`error: unknown command '${word}'`)
    if (io.isTerminal) root.outputHelp()
    else await run(async () => await startServing({}, io))()
  })
  return root
}

async function startServing(options: ServeOptions, io: Console): Promise<ExitCode> {
  const { serve } = await import('./serve/serve.ts')
  return await serve(options, io)
}
