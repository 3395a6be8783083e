import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import Table from 'cli-table3'
import { Command, InvalidArgumentError, Option } from 'commander'
import { entrance } from './inside.ts'
import { type Lab, openLab } from './lab.ts'
import { availableEngines, type EngineKind } from './packages/engines.ts'
import { startLab } from './start-lab.ts'
import { clearLab, isLeftover, type LabRecord, labNames, readRecord } from './state.ts'

const wholeNumber = (text: string) => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('a whole number, please')
  return Number(text)
}
/** A table without lines, as the docker client prints them. */
function table(head: string[], rows: string[][]): string {
  const edges = ['top', 'bottom', 'left', 'right', 'mid', 'middle']
  const joints = ['top-mid', 'top-left', 'top-right', 'bottom-mid', 'bottom-left', 'bottom-right']
  const inner = ['left-mid', 'mid-mid', 'right-mid']
  const chars = Object.fromEntries([...edges, ...joints, ...inner].map((place) => [place, '']))
  const lines = new Table({ head, chars, style: { head: [], 'padding-left': 0, 'padding-right': 3 } })
  lines.push(...rows)
  return lines.toString()
}

const printJson = (value: unknown) => console.log(JSON.stringify(value, null, 2))

const program = new Command('lab')
  .description('A real Docker Swarm of one to five engines on this machine, in namespaces of its own. Needs root.')
  .enablePositionalOptions()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

program
  .command('up')
  .description('start a lab and leave it running until `down`')
  .option('--name <name>', 'its name; node n is called <name>-<n>', 'demo')
  .option('--nodes <count>', '1 to 5', wholeNumber, 3)
  .option('--managers <count>', '1 to 3 (default: as many as nodes, up to 3)', wholeNumber)
  .addOption(new Option('--engine <engine>', 'which engine').choices(['new', 'old']).default('new'))
  .option('--json', 'print the record of the lab')
  .action(async ({ json, ...options }: { json?: true; name: string; engine: EngineKind; nodes: number }) => {
    const lab = await startLab({ ...options, outlive: true, onProgress: (line) => console.error(line) })
    const record = await readRecord(lab.name)
    if (json || record === undefined) return printJson(record)
    console.log(describe(record, lab))
    console.log(`
One client call:   npm run lab -- exec ${lab.name}-1 docker node ls
A client of yours: export DOCKER_HOST=unix://${lab.nodes[0]?.socketPath}
Images there:      orrery-lab/web:good, :1, :2, :3 and :bad. There is no network: use --no-resolve-image
                   (docker stack deploy --resolve-image never), endpoint mode dnsrr, publish mode host.
Take it down:      npm run lab -- down ${lab.name}`)
  })

program
  .command('status')
  .description('list the labs there are, or one, with their nodes')
  .argument('[name]')
  .option('--json', 'print records, with the state of each engine')
  .action(async (name: string | undefined, { json }: { json?: true }) => {
    const names = (await labNames()).filter((found) => name === undefined || found === name)
    if (name !== undefined && names.length === 0) throw new Error(`there is no lab named "${name}"`)
    const labs = await Promise.all(names.map(async (found) => ({ name: found, record: await readRecord(found) })))
    if (json) return printJson(labs.map(({ name: found, record }) => withStates(found, record)))
    if (labs.length === 0) console.log('no lab is up')
    for (const { name: found, record } of labs) {
      if (await isLeftover(found)) console.log(`${found}: leftover of a crash: npm run lab -- down ${found}`)
      else if (record === undefined) console.log(`${found}: starting`)
      else console.log(describe(record, openLab(record)))
    }
  })

program
  .command('down')
  .description('take labs down, whoever started them, leftovers of crashes included')
  .argument('[names...]')
  .option('--all', 'all labs')
  .action(async (names: string[], { all }: { all?: true }) => {
    const known = await labNames()
    const unknown = names.find((name) => !known.includes(name))
    if (unknown !== undefined) throw new Error(`there is no lab named "${unknown}"`)
    if (names.length === 0 && !all && known.length > 1) throw new Error(`which one, or --all? ${known.join(', ')}`)
    const wanted = names.length > 0 ? names : known
    if (wanted.length === 0) console.log('no lab is up')
    await Promise.all(wanted.map((name) => clearLab(name).then(() => console.log(`${name} is down`))))
  })

program
  .command('exec')
  .description('run a program inside a node, with this terminal')
  .argument('<node>', 'its host name')
  .argument('<program...>')
  .passThroughOptions()
  .action(async (hostname: string, argv: string[]) => {
    const records = await Promise.all((await labNames()).map(readRecord))
    const node = records.flatMap((record) => record?.nodes ?? []).find((found) => found.hostname === hostname)
    if (node === undefined) throw new Error(`there is no node "${hostname}": npm run lab -- status`)
    const env = process.env.TERM ? { TERM: process.env.TERM } : {}
    const child = spawn('nsenter', entrance(node.pid, argv, { env, cwd: process.cwd() }), { stdio: 'inherit' })
    child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })

program
  .command('engines')
  .description('say which engines a lab can run here, fetching what is not there yet')
  .option('--json')
  .action(async ({ json }: { json?: true }) => {
    const engines = await availableEngines((line) => console.error(line))
    if (json) return printJson(engines)
    for (const engine of engines) console.log(engine.kind, 'version' in engine ? engine.version : engine.missing)
  })

function describe(record: LabRecord, lab: Lab): string {
  const head = `lab ${record.name}: engine ${record.engineVersion}, since ${record.startedAt}`
  const rows = lab.nodes.map((node) => [
    ...[node.hostname, node.role, node.engineState(), node.address, String(node.pid), `unix://${node.socketPath}`],
  ])
  return `${head}\n${table(['NODE', 'ROLE', 'ENGINE', 'ADDRESS', 'PID', 'SOCKET'], rows)}`
}

function withStates(name: string, record: LabRecord | undefined) {
  if (record === undefined) return { name }
  const lab = openLab(record)
  return { ...record, nodes: record.nodes.map((node, n) => ({ ...node, engineState: lab.nodes[n]?.engineState() })) }
}

program.parseAsync().catch((error: Error) => {
  console.error(`lab: ${error.message}`)
  process.exit(1)
})
