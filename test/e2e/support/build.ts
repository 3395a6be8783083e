/** Before the end-to-end tests: the program they run is built from what is here. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export async function setup(): Promise<void> {
  await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: join(import.meta.dirname, '../../..') })
}
