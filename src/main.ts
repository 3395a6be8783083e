#!/usr/bin/env node
/** The process: arguments, signals, exit code. The only reader of process.env. */
import { readFileSync } from 'node:fs'
import { tooFewOpenFiles } from './commands/open-files.ts'

/** A little more than what the controller grants itself to finish what it has accepted. */
const STOP_DEADLINE_MS = 12_000

// Before anything else is loaded: that alone opens more.
const tooFew = tooFewOpenFiles()
if (tooFew !== undefined) {
  process.stderr.write(`orrery: ${tooFew}\n`)
  process.exit(1)
}
const [{ default: closeWithGrace }, { normalizeArguments }, { runProgram }] = await Promise.all([
  import('close-with-grace'),
  import('./commands/arguments.ts'),
  import('./commands/program.ts'),
])

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

// Whoever reads the output has read enough: `| head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await runProgram(normalizeArguments(process.argv.slice(2)), {
  version: String(version),
  env: process.env,
  isTerminal: process.stdin.isTTY === true && process.stdout.isTTY === true,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  // The signals' end is in here: Docker stops a container with SIGTERM, and as process 1 nothing else would.
  onStop: (stop) => closeWithGrace({ delay: STOP_DEADLINE_MS, logger: false }, stop),
})
