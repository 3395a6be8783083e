#!/usr/bin/env node
/** The process: arguments, signals, exit code. The only reader of process.env. */
import { readFileSync } from 'node:fs'

/** A little more than what the controller grants itself to finish what it has accepted. */
const STOP_DEADLINE_MS = 12_000

/** Of the modules, of the engine's connections and of some callers. */
const LEAST_OPEN_FILES = 256

// Before anything else is loaded: that alone opens more.
const openFiles = mostOpenFiles()
if (openFiles < LEAST_OPEN_FILES) {
  process.stderr.write(
    `orrery: only ${openFiles} files may be open at a time here (ulimit -n), and ${LEAST_OPEN_FILES} are needed at least, 8192 for as many callers as there may be: raise the hard limit, as LimitNOFILE= of a unit or nofile in the ulimits of a container\n`,
  )
  process.exit(1)
}
const [{ default: closeWithGrace }, { runProgram }] = await Promise.all([
  import('close-with-grace'),
  import('./commands/program.ts'),
])

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

// Whoever reads the output has read enough: `| head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await runProgram(process.argv.slice(2), {
  version: String(version),
  env: process.env,
  isTerminal: process.stdin.isTTY === true && process.stdout.isTTY === true,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  // The signals' end is in here: Docker stops a container with SIGTERM, and as process 1 nothing else would.
  onStop: (stop) => closeWithGrace({ delay: STOP_DEADLINE_MS, logger: false }, stop),
})

/** Sockets among them. Node has raised the soft limit to the hard one by now. */
function mostOpenFiles(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  } catch {
    // No Linux: nothing is known, and nothing is claimed.
    return Number.POSITIVE_INFINITY
  }
}
