/** The words after `orrery network`. */
import type { Command } from 'commander'
import { duration } from '../arguments.ts'
import type { Console, ExitCode, Run } from '../console.ts'
import type { ApplyOptions, ChangeOptions } from './change.ts'
import type { PlanFlags } from './plan.ts'
import type { NetworkSession } from './session.ts'
import type { StatusOptions } from './status.ts'

const HELP = `
These commands talk to the engine of a manager (DOCKER_HOST) and read the definitions in ORRERY_NETWORK_DIR. What only
agents know they ask the controller at ORRERY_URL, with the token in ORRERY_CLI_TOKEN_FILE (role: read).

Examples:
  orrery network plan                             what would be done, node by node; changes nothing
  orrery network apply                            do it, and wait for the agents
  orrery network apply --allow-drain              also what needs nodes to be drained, one at a time
  orrery network status --addresses               every address with its task, service and container
  orrery network adopt vlan40                     take over networks that were made by hand
  orrery network release vlan40 10.40.7.0/24      a range of a node that left: free before its 24 h are over
  orrery network remove vlan40                    take everything of it away, once no service uses it

Exit codes: 0 done or nothing to do, 1 refused or failed, 2 wrong usage.`

export function addNetworkCommands(root: Command, io: Console, run: Run): void {
  const network = root
    .command('network')
    .description('networks: plan, apply, status, adopt, release, remove')
    // Inherited: `plan vlan40` is a mistake, and not a plan of all.
    .allowExcessArguments(false)
    .addHelpText('after', HELP)
  const command = (words: string, description: string) =>
    network.command(words).description(description).option('--json', 'for machines')
  const waiting = (words: string, description: string) =>
    command(words, description).option(
      '--timeout <duration>',
      'give up when nothing has happened for so long, as 5m (default: 2m)',
      duration,
    )
  const inSession = async (work: (session: NetworkSession) => Promise<ExitCode>): Promise<ExitCode> => {
    const { openNetworkSession } = await import('./open-session.ts')
    const session = await openNetworkSession(io)
    try {
      return await work(session)
    } finally {
      await session.close()
    }
  }

  command('plan', 'show every node and what `apply` would do; changes nothing')
    .option('--allow-drain', 'as if nodes might be drained')
    .action(
      run(async (options: PlanFlags) => {
        const { networkPlan } = await import('./plan.ts')
        return await inSession((session) => networkPlan(session, options, io))
      }),
    )
  waiting('apply', 'activate the definitions, and wait for the agents')
    .option('--allow-drain', 'drain nodes for a change of range or parent, one at a time')
    .action(
      run(async (options: ApplyOptions) => {
        const { networkApply } = await import('./change.ts')
        return await inSession((session) => networkApply(session, options, io))
      }),
    )
  command('status', 'show what is active, every node and address, drift and conditions')
    .option('--addresses', 'list every address, however many there are')
    .action(
      run(async (options: StatusOptions) => {
        const { networkStatus } = await import('./status.ts')
        return await inSession((session) => networkStatus(session, options, io))
      }),
    )
  waiting('adopt <name>', 'take over a network that was made by hand and is as its definition says').action(
    run(async (name: string, options: ChangeOptions) => {
      const { networkAdopt } = await import('./change.ts')
      return await inSession((session) => networkAdopt(session, { ...options, network: name }, io))
    }),
  )
  command('release <name> <range>', 'make the range of a node that left free at once').action(
    run(async (name: string, range: string, options: ChangeOptions) => {
      const { networkRelease } = await import('./change.ts')
      return await inSession((session) => networkRelease(session, { ...options, network: name, range }, io))
    }),
  )
  waiting('remove <name>', 'take a network away from everywhere; refused while a service uses it').action(
    run(async (name: string, options: ChangeOptions) => {
      const { networkRemove } = await import('./change.ts')
      return await inSession((session) => networkRemove(session, { ...options, network: name }, io))
    }),
  )
}
