/**
 * Arguments as people and old stack files write them: Go's flags with one dash (`-port :9000`, `-debug=true`), and the
 * program's own path as the first word (`command: /bin/orbiter daemon --debug`). Pure.
 */
const GO_FLAGS = /^-(port|debug)(=.*)?$/
const OWN_PATH = /^(\/.*\/)?(orrery|orbiter)$/

export function normalizeArguments(args: readonly string[]): readonly string[] {
  const [first = '', ...rest] = args
  const own = OWN_PATH.test(first) ? rest : args
  return own.map((argument) => (GO_FLAGS.test(argument) ? `-${argument}` : argument))
}
