/**
 * Who may import whom (docs/architecture.md). Folders say what a file may do: `pure` ones compute, use cases act through ports.
 * test/arch plants violations to prove that each rule bites.
 */
/** Every folder that is none of these is a capability, a new one too. */
const others = '(?!adapters/|commands/|config/|foundation/|http/|swarm/)'
const capability = `^src/${others}[^/]+/`
const pure = [
  `${capability}[^/]+[.]ts$`,
  '^src/autoscaling/(policy|decision|alerts|schedule|load)/',
  '^src/bootstrap/(address|definition|allocation|record|plan)/',
  '^src/agent/plan/',
  '^src/discovery/(keys|desired|plan)/',
  '^src/swarm/',
]
const useCases = [
  '^src/autoscaling/(evaluation|feed|receiver|writer|views)/',
  '^src/bootstrap/(reconcile|capacity|views)/',
  '^src/agent/(controller|host|sync)/',
  '^src/discovery/sync/',
]
/** What every capability may import: the words of Swarm, and what is no idea of any of them. */
const swarm = '^src/swarm/'
const foundation = '^src/foundation/'
const ports = '^src/[^/]+/ports[.]ts$'

/** The one home of each client library. */
const homes = {
  'docker-modem': '^src/adapters/swarm/',
  dockerode: '^src/adapters/swarm/engine/',
  '@grpc': '^src/adapters/swarm/tasks/',
  consul: '^src/adapters/consul/',
  'lossless-json': '^src/adapters/swarm/',
  'p-retry': '^src/(adapters/swarm|commands)/',
  'node-cron': '^src/adapters/clock/',
  yaml: '^src/adapters/files/',
  pino: '^src/adapters/logging/',
  'prom-client': '^src/adapters/metrics/',
  fastify: '^src/http/',
  'fastify-plugin': '^src/http/',
  '@fastify': '^src/http/',
  'ip-address': '^src/foundation/',
  'ipaddr[.]js': '^src/http/',
  commander: '^src/(commands/|main[.]ts$)',
  'cli-table3': '^src/commands/',
  undici: '^src/(adapters/(alertmanager|prometheus)|commands)/',
  'close-with-grace': '^src/(commands/|main[.]ts$)',
}

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

module.exports = {
  forbidden: [
    rule('no-cycles', 'a cycle is one module in disguise', {}, { circular: true }),
    rule('no-orphans', 'delete what nothing uses', { orphan: true, path: '^src/', pathNot: '^src/main[.]ts$' }, {}),
    rule('no-unresolved', 'an import must resolve', {}, { couldNotResolve: true }),
    rule(
      'pure-imports-pure',
      'pure files import only each other and TypeBox',
      { path: pure, pathNot: ports },
      { pathNot: [capability, swarm, foundation, 'node_modules/@sinclair/typebox'] },
    ),
    rule('pure-not-use-case', 'pure files know no use case', { path: pure, pathNot: ports }, { path: useCases }),
    rule(
      'a-folder-is-a-rule',
      'a file of a capability is in a folder that says what it may do',
      { path: capability, pathNot: [...pure, ...useCases] },
      {},
    ),
    rule(
      'use-cases-stay-inside',
      'use cases see ports and pure files; of Node only timers',
      { path: useCases },
      { pathNot: [capability, swarm, foundation, '^(node:)?timers/promises$'] },
    ),
    rule(
      'foundation-alone',
      'what everybody may import imports nothing of the product',
      { path: foundation },
      { pathNot: [foundation, 'node_modules/ip-address'] },
    ),
    rule('swarm-below-all', 'the words of Swarm know no capability', { path: swarm }, { path: capability }),
    rule('ports-are-types', 'ports hold types only', { path: ports }, { dependencyTypesNot: ['type-only'] }),
    rule(
      'capabilities-apart',
      'a capability knows another by its ports alone',
      { path: `^src/${others}([^/]+)/` },
      { path: capability, pathNot: ['^src/$1/', ports] },
    ),
    rule(
      'adapters-apart',
      'an adapter knows no other adapter, no http, no command',
      { path: '^src/adapters/([^/]+)/' },
      { path: '^src/(adapters|http|commands)/', pathNot: '^src/adapters/$1/' },
    ),
    rule('adapters-not-use-cases', 'adapters implement ports', { path: '^src/adapters/' }, { path: useCases }),
    rule(
      'http-calls-use-cases',
      'http sees the use-case interfaces, never an adapter, a port or a lane',
      { path: '^src/http/' },
      { path: ['^src/(adapters|commands)/', ports, ...useCases] },
    ),
    rule(
      'config-alone',
      'configuration is a schema and its reader',
      { path: '^src/config/' },
      { path: '^src/', pathNot: ['^src/config/', '^src/foundation/(duration|did-you-mean)[.]ts$'] },
    ),
    rule(
      'only-main-commands',
      'only main runs commands',
      { pathNot: '^src/(main[.]ts$|commands/)' },
      { path: '^src/commands/' },
    ),
    rule('nobody-imports-main', 'main is the process', {}, { path: '^src/main[.]ts$' }),
    rule('src-stands-alone', 'the product needs no test', { path: '^src/' }, { path: '^(test|bench|autoscalers)/' }),
    rule(
      'no-drawers',
      'a name that says nothing',
      {},
      { path: '/(util|utils|helper|helpers|manager|managers|lib|libs|common)([.]ts$|/)', pathNot: 'node_modules' },
    ),
    ...Object.entries(homes).map(([name, home]) =>
      rule(
        `home-of-${name.replace(/\W/g, '')}`,
        `${name} has one home`,
        { path: '^src/', pathNot: home },
        { path: `node_modules/${name}(/|$)` },
      ),
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
