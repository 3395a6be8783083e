// A task that uses all the processor time it may have while the file /flag/on is there, and next to none otherwise.
import { existsSync } from 'node:fs'

function turn() {
  const isOn = existsSync('/flag/on')
  const until = Date.now() + 200
  if (isOn) while (Date.now() < until);
  setTimeout(turn, isOn ? 0 : 500)
}
turn()
process.on('SIGTERM', () => process.exit(0))
