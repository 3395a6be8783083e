/** Advice that other tests run, advice that none runs here, and texts that only look like some. By the text as in the source. */

interface Tried {
  readonly file: string
  /** Its name, or what stands in it. */
  readonly test: string
}

const rights: Tried = { file: 'test/adapters/consul/rights.test.ts', test: 'is enough: entries come and go' }
const locked: Tried = {
  file: 'test/e2e/agent/identity.test.ts',
  test: 'in a locked Swarm a controller that starts says so, and hears agents by a token over its own TLS',
}
const joins: Tried = {
  file: 'test/e2e/networks/lans.test.ts',
  test: 'an engine in no Swarm, one that is locked and an agent there say what to run, and it is enough',
}
const uninstall = (test: string): Tried => ({ file: 'test/unit/commands/uninstall/uninstall.test.ts', test })
const commands = (test: string): Tried => ({ file: 'test/unit/commands/network/change.test.ts', test })

const removed: Tried = {
  file: 'test/e2e/installation/stack.test.ts',
  test: 'removing it by the commands of the page leaves nothing: everything listed before and after',
}

export const ELSEWHERE: Readonly<Record<string, Tried>> = {
  'The engine at … is not part of a swarm: run "docker swarm init" or "join", or point DOCKER_HOST at a manager\'s engine.':
    joins,
  'The swarm at … is locked: run "docker swarm unlock" on that manager.': joins,
  'The engine was restarted while a task was on the network, and since then counts a use of "…" that it shows nowhere: stop the engine, remove /var/lib/docker/network/files/local-kv.db (its own other networks are in there too), and start it again.':
    {
      file: 'test/e2e/networks/networks.test.ts',
      test: 'an engine that was killed under a task and keeps a count: the removal says what ends that, and then goes on',
    },
  'The engine at … is in no swarm (…): run "docker swarm join" on this host.': joins,
  '… is of another Swarm than DOCKER_HOST: set ORRERY_SWARM_SOCKET.': {
    file: 'test/adapters/swarm/tasks/heard-tasks.test.ts',
    test: 'are asked for where the socket is of another Swarm, and heard by that of their own',
  },
  'has to name the ports to register: the task has …, and at most … are': {
    file: 'test/unit/discovery/task-limits.test.ts',
    test: 'a hundred ports are registered, and those that are ignored do not count',
  },
  '… more unknown fields, ignored; docs/labels.md lists the known ones': {
    file: 'test/unit/autoscaling/policy/policy-limits.test.ts',
    test: 'two thousand unknown fields',
  },
  'The network … is used by …: remove them, or take the network from them.': removed,
  'on every node: docker volume rm …': removed,
  'Nothing was touched; `orrery uninstall --yes` does it.': removed,
  'The controllers write to Consul: give CONSUL_HTTP_ADDR=… here too (and the files for it), so that their entries go.':
    uninstall('takes the entries out of Consul when no controller can write them again'),
  'Whether agents have taken their part of … away is not known: …. A controller must run, and ORRERY_CLI_TOKEN_FILE or ORRERY_TOKEN_FILE must have a token of the role read.':
    uninstall('takes networks away while agents live'),
  'a controller at … still runs, and is not a service with the label orrery.role: stop it (docker stack rm …)':
    uninstall('takes networks away while agents live'),
  '… keeps …: that network is still there, and its tasks would be evicted. Remove it first': {
    file: 'test/adapters/swarm/installation/installation.test.ts',
    test: 'stays while a rollout would be resumed, or tasks evicted',
  },
  'the token of CONSUL_HTTP_TOKEN_FILE lacks key_prefix write; docs/discovery.md has the policy it needs': rights,
  'the token of CONSUL_HTTP_TOKEN_FILE lacks a right; docs/discovery.md has the policy it needs': rights,
  '- the token of CONSUL_HTTP_TOKEN_FILE has no write over it; docs/discovery.md has the policy it needs': rights,
  '- CONSUL_CACERT has to name the file of the authority that signed its certificate': {
    file: 'test/adapters/consul/bad-input.test.ts',
    test: 'and one that is named right, by HTTPS with the authority of its certificate',
  },
  'ORRERY_AGENT_TOKEN_FILE must name a file with the token that has the role `agent` in the token file of the controllers':
    locked,
  'the token needs the role `agent`; without a token file, controllers take reports from their own machine and from ORRERY_TRUSTED_CIDRS':
    locked,
  '…, and ORRERY_AGENT_TOKEN_FILE names no token: no controller will know this node (docs/operations.md)': locked,
  'ORRERY_AGENT_TOKEN_FILE=…: it must hold the bare token and nothing else': locked,
  '…; set ORRERY_TLS_CERT_FILE and a token with the role agent for the second way (docs/operations.md)': locked,
  "The host's own address … would be one that … on the LAN of … has already: give that device another address, or `reserve` its address in the definition and run `orrery network apply --allow-drain`.":
    { file: 'test/e2e/networks/lans.test.ts', test: 'is not taken for the shim, until that one has another' },
  '… idempotency keys are in use for this autoscaler; repeat the call later': {
    file: 'test/unit/autoscaling/decision/fold.test.ts',
    test: 'keys-exhausted',
  },
  'no agent reports what tasks use: run `orrery agent` on every node': {
    file: 'test/e2e/load/load.test.ts',
    test: 'grows while its tasks burn and shrinks after the window, with no Prometheus anywhere',
  },
  '…; repeat the call with the same Idempotency-Key: it will be one step': {
    file: 'test/unit/autoscaling/writer/scaler.test.ts',
    test: 'is unknown to its caller, and the same key again is one step, had it been in force',
  },
  'constrain the service to node.labels.… == ready': {
    file: 'test/unit/bootstrap/capacity/address-capacity.test.ts',
    test: 'passes over a node without a range that its constraints leave out',
  },
  'Its record is there and cannot be understood: …. Nothing is done before it is corrected, or removed (docker config rm orrery-network-…) to be rebuilt.':
    {
      file: 'test/e2e/networks/networks-faults.test.ts',
      test: 'a record deleted by hand is rebuilt, and no range moves',
    },
  'nothing is active yet: `orrery network apply` or ORRERY_NETWORK_AUTO=true': {
    file: 'test/e2e/networks/networks-refused.test.ts',
    test: 'and the right name mends it',
  },
  '…; `orrery network apply` takes ….…': {
    file: 'test/e2e/networks/networks-refused.test.ts',
    test: 'and the right name mends it',
  },
  '… nodes have the host name …; ask by id: …': {
    file: 'test/unit/bootstrap/views/network-catalog.test.ts',
    test: 'two nodes of one name',
  },
  '…: remove that definition from every controller first.': commands('is not removed where that makes it again'),
  '… done; what is left others have not done yet… Run it again at any time: it goes on from here.': {
    file: 'test/e2e/networks/networks-faults.test.ts',
    test: 'whoever is killed at every write in turn',
  },
  'Agents get the wanted state from a controller, and none answers: start one (`orrery serve`). Nothing is half done, and the next run goes on from here.':
    commands('without a controller does its part, does not wait for agents that nobody tells, and says how it goes on'),
  'everything is paused… ……; `orrery resume --all` ends it': {
    file: 'test/unit/commands/pause.test.ts',
    test: 'resume --all ends it',
  },
  '… addresses are in use; --addresses lists them': {
    file: 'test/unit/commands/network/status.test.ts',
    test: 'addresses',
  },
  'orrery: only … files may be open at a time here (ulimit -n), and … are needed at least, 8192 for as many callers as there may be: raise the hard limit, as LimitNOFILE= of a unit or nofile in the ulimits of a container':
    { file: 'test/unit/commands/program.test.ts', test: 'says what is wrong where 64 files may be open' },
  'this controller registers nothing: CONSUL_HTTP_ADDR is not set there (docs/discovery.md)': {
    file: 'test/e2e/discovery/discovery.test.ts',
    test: 'CONSUL_HTTP_ADDR',
  },
}

/** With the reason. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  '…a text, a list or a mapping is needed': 'no text that parses comes there',
  'the agent needs the capability NET_ADMIN and the network of the host':
    'what the kernel refuses without it; the stack file gives it, and test/e2e/installation/stack.test.ts deploys that',
}

/** Steps, descriptions and words of engines. */
export const NO_REMEDY: readonly string[] = [
  'remove the …… …',
  'remove the network …: what its agents made on every node, the swarm network, labels',
  'take the entries of this Swarm out of Consul',
  'take … from the … …',
  'docker node update --label-rm … …',
  'remove the service …: …',
  'docker swarm init',
  'needs to be unlocked',
  'set the link … up',
  'set the MTU of … to …',
  'set to …',
  'What every node has must be known, and ….',
  'take the definition: …',
  'give … back as …',
  'remove the record of …',
  'remove the swarm network …',
  'take the labels of … from …',
  ', which has to say whether it is the machine that had a range under this name before',
  'the label … has … where an address or a range is needed',
  'orrery agent … runs',
  'orrery: the controller ended the stream',
  "complete -c orrery -f -a '(orrery complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'",
  'orrery: warning: …',
  'take over a network that was made by hand and is as its definition says',
  'release <name> <range>',
  'make the range of a node that left free at once',
  'take a network away from everywhere; refused while a service uses it',
  'orrery: …: …',
  'orrery: error: …; ORRERY_NETWORK_DIR names the folder of definitions',
  'orrery: the definitions have …; nothing was touched',
  'run the controller (also without any word, where no terminal is attached)',
  "keep this node's part of the networks: on every node, beside its engine",
  'orrery … listens',
  'Basic realm="orrery", charset="UTF-8"',
  'HMAC-SHA256 realm="orrery", header="X-Grafana-Alerting-Signature"',
  'A credential is needed',
  'docker inspect failed in ScalerService: …',
  'the agents write, and look every 2 s',
]
