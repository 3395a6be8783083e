import { describe, expect, it } from 'vitest'
import { ConfigError, configWarnings, type Environment, loadConfig } from '../../../src/config/load.ts'

const problemsOf = (env: Environment) => {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the configuration was accepted')
}

describe('a configuration', () => {
  it('is complete with no variable set', () => {
    expect(loadConfig({})).toEqual({
      listen: [{ host: '0.0.0.0', port: 8000 }],
      hosts: [],
      ui: 'on',
      dockerHost: 'unix:///var/run/docker.sock',
      dockerTlsVerify: false,
      swarmCertDir: '/var/lib/docker/swarm/certificates',
      agentListen: [{ host: '0.0.0.0', port: 8001 }],
      swarmSocket: '/var/run/docker/swarm/control.sock',
      policyDir: 'autoscalers',
      networkDir: 'networks',
      networkAuto: false,
      consulMode: 'catalog',
      consulNodeGraceMs: 30_000,
      consulExplicit: false,
      consulIgnore: [],
      trustedCidrs: [],
      dedupWindowMs: 60_000,
      tickMs: 15_000,
      dryRun: false,
      serverPrefix: '',
      logLevel: 'info',
      controllers: [],
      stateDir: '/var/lib/orrery',
      url: 'http://127.0.0.1:8000',
    })
  })

  it('takes an empty variable as not set, as compose files write it', () => {
    expect(loadConfig({ ORRERY_LISTEN: '', ORRERY_TOKEN_FILE: '', LOG_LEVEL: '' })).toEqual(loadConfig({}))
  })

  it('leaves variables alone that it does not know', () => {
    expect(loadConfig({ PATH: '/bin', CONSUL_NAMESPACE: 'nonsense::' })).toEqual(loadConfig({}))
  })

  const right: { name: string; env: Environment; is: object }[] = [
    {
      name: 'several controllers',
      env: { ORRERY_CONTROLLERS: 'https://one:8443/, http://[fd00::1]:8000' },
      is: { controllers: ['https://one:8443', 'http://[fd00::1]:8000'] },
    },
    { name: 'a port on every address', env: { ORRERY_LISTEN: ':8000' }, is: { listen: [{ port: 8000 }] } },
    {
      name: 'several addresses',
      env: { ORRERY_LISTEN: '127.0.0.1:80, [::]:8000 ,manager-1.lan:0' },
      is: {
        listen: [
          { host: '127.0.0.1', port: 80 },
          { host: '::', port: 8000 },
          { host: 'manager-1.lan', port: 0 },
        ],
      },
    },
    { name: 'a duration', env: { ORRERY_DEDUP_WINDOW: '5m' }, is: { dedupWindowMs: 300_000 } },
    { name: 'whole seconds', env: { ORRERY_DEDUP_WINDOW: '90' }, is: { dedupWindowMs: 90_000 } },
    { name: 'a dry run', env: { ORRERY_DRY_RUN: 'TRUE' }, is: { dryRun: true } },
    {
      name: 'IPv4 networks that are written as IPv6',
      env: { ORRERY_TRUSTED_CIDRS: '::ffff:10.0.0.0/104,::FFFF:192.0.2.7' },
      is: { trustedCidrs: ['::ffff:10.0.0.0/104', '::FFFF:192.0.2.7/128'] },
    },
    { name: 'no dry run', env: { ORRERY_DRY_RUN: '0' }, is: { dryRun: false } },
    { name: 'TLS to the engine as Docker reads it', env: { DOCKER_TLS_VERIFY: '0' }, is: { dockerTlsVerify: true } },
    { name: 'a prefix', env: { SERVER_PREFIX: '/scaler' }, is: { serverPrefix: '/scaler' } },
    { name: 'a prefix with a slash at its end', env: { SERVER_PREFIX: '/a/b/' }, is: { serverPrefix: '/a/b' } },
    { name: 'no prefix', env: { SERVER_PREFIX: '/' }, is: { serverPrefix: '' } },
    {
      name: "Grafana's signature",
      env: { ORRERY_GRAFANA_SECRET_FILE: '/s', ORRERY_GRAFANA_TIMESTAMP_HEADER: 'X-Time' },
      is: { grafanaSecretFile: '/s', grafanaTimestampHeader: 'X-Time' },
    },
    { name: 'a level in capitals', env: { LOG_LEVEL: 'DEBUG' }, is: { logLevel: 'debug' } },
    { name: 'an engine version', env: { DOCKER_API_VERSION: 'v1.41' }, is: { dockerApiVersion: '1.41' } },
    {
      name: 'an engine by TCP',
      env: { DOCKER_HOST: 'tcp://10.0.0.1:2376' },
      is: { dockerHost: 'tcp://10.0.0.1:2376' },
    },
    { name: 'a URL with a slash too many', env: { ORRERY_URL: 'http://x:1/' }, is: { url: 'http://x:1' } },
    {
      name: 'networks and single addresses',
      env: { ORRERY_TRUSTED_CIDRS: '10.0.0.0/8, 192.0.2.7,fd00::/8,::1,' },
      is: { trustedCidrs: ['10.0.0.0/8', '192.0.2.7/32', 'fd00::/8', '::1/128'] },
    },
  ]
  it.each(right)('reads $name', ({ env, is }) => {
    expect(loadConfig(env)).toMatchObject(is)
  })

  const wrong: { env: Environment; says: string }[] = [
    { env: { ORRERY_LISTEN: '8000' }, says: 'ORRERY_LISTEN=8000: "8000" has no port' },
    { env: { ORRERY_LISTEN: '0.0.0.0:http' }, says: 'has no port between 0 and 65535' },
    { env: { ORRERY_LISTEN: '0.0.0.0:70000' }, says: 'has no port between 0 and 65535' },
    { env: { ORRERY_LISTEN: ':1,' }, says: '"" has no port' },
    { env: { ORRERY_LISTEN: '::1:8000' }, says: 'in brackets: [::1]:8000' },
    { env: { ORRERY_LISTEN: '[1.2.3.4]:80' }, says: 'is not an IPv6 address' },
    { env: { ORRERY_LISTEN: '300.0.0.1:80' }, says: 'neither an address nor a host name' },
    { env: { ORRERY_LISTEN: 'http://x:80' }, says: 'neither an address nor a host name' },
    { env: { ORRERY_DEDUP_WINDOW: '1 minute' }, says: 'ORRERY_DEDUP_WINDOW=1 minute: write a duration such as 30s' },
    { env: { ORRERY_DRY_RUN: 'maybe' }, says: 'ORRERY_DRY_RUN=maybe: write true or false' },
    { env: { ORRERY_TRUSTED_CIDRS: '10.0.0.0/33' }, says: '"10.0.0.0/33" is not a network' },
    { env: { ORRERY_TRUSTED_CIDRS: '10.0.0/8' }, says: 'is not a network' },
    { env: { ORRERY_TRUSTED_CIDRS: '10.0.0.0/8/8' }, says: 'is not a network' },
    { env: { ORRERY_TRUSTED_CIDRS: '010.0.0.0/8' }, says: 'is not a network' },
    { env: { ORRERY_TRUSTED_CIDRS: '0x0a.0.0.0/8' }, says: 'is not a network' },
    { env: { ORRERY_TRUSTED_CIDRS: '167772160/8' }, says: 'is not a network' },
    { env: { ORRERY_TRUSTED_CIDRS: '10.1/16' }, says: 'is not a network' },
    { env: { ORRERY_TRUSTED_CIDRS: 'fe80::1%eth0' }, says: '"fe80::1%eth0" names a zone' },
    { env: { ORRERY_TRUSTED_CIDRS: '::ffff:a00:0/104' }, says: 'write it as IPv4, such as 10.0.0.0/8' },
    { env: { ORRERY_TRUSTED_CIDRS: '0:0:0:0:0:ffff:10.0.0.0/104' }, says: 'write it as IPv4' },
    { env: { ORRERY_TRUSTED_CIDRS: '::ffff:10.0.0.0/95' }, says: 'write it as IPv4' },
    {
      env: { ORRERY_CONTROLLERS: 'https://me:secret@host:8001' },
      says: '***@host:8001: write the URLs without a credential',
    },
    {
      env: { ORRERY_URL: 'http://me:100%@host' },
      says: 'http://***@host: the credential in it has a % that begins no',
    },
    { env: { LOG_LEVEL: 'loud' }, says: 'LOG_LEVEL=loud: write one of trace, debug' },
    { env: { DOCKER_HOST: 'docker' }, says: 'DOCKER_HOST=docker: write unix:///path' },
    { env: { DOCKER_API_VERSION: 'latest' }, says: 'DOCKER_API_VERSION=latest: write an engine API version' },
    { env: { ORRERY_URL: 'localhost:8000' }, says: 'ORRERY_URL=localhost:8000: write a URL' },
    {
      env: { ORRERY_TLS_CERT_FILE: '/c' },
      says: 'ORRERY_TLS_KEY_FILE: is needed too, because ORRERY_TLS_CERT_FILE is set',
    },
    { env: { ORRERY_TLS_KEY_FILE: '/k' }, says: 'ORRERY_TLS_CERT_FILE: is needed too' },
    {
      env: { ORRERY_TLS_CA_FILE: '/ca' },
      says: 'ORRERY_TLS_CERT_FILE: is needed too, because ORRERY_TLS_CA_FILE is set',
    },
    { env: { SERVER_PREFIX: 'scaler' }, says: 'SERVER_PREFIX=scaler: write a path such as /scaler' },
    { env: { SERVER_PREFIX: '/:x' }, says: 'write a path such as /scaler' },
    { env: { SERVER_PREFIX: '/a//b' }, says: 'write a path such as /scaler' },
    {
      env: { ORRERY_GRAFANA_SECRET_FILE: '/s', ORRERY_GRAFANA_TIMESTAMP_HEADER: 'X Time' },
      says: 'ORRERY_GRAFANA_TIMESTAMP_HEADER=X Time: write the name of a header',
    },
    {
      env: { ORRERY_GRAFANA_TIMESTAMP_HEADER: 'X-Time' },
      says: 'ORRERY_GRAFANA_SECRET_FILE: is needed too, because ORRERY_GRAFANA_TIMESTAMP_HEADER is set',
    },
    { env: { ORBITER_AUTH_USER: 'u' }, says: 'ORBITER_AUTH_PASS: is needed too, because ORBITER_AUTH_USER is set' },
  ]
  it.each(wrong)('refuses $env', ({ env, says }) => {
    expect(problemsOf(env).message).toContain(says)
  })

  it('names everything wrong at once', () => {
    const { problems } = problemsOf({ ORRERY_LISTEN: 'x', ORRERY_DRY_RUN: 'y', LOG_LEVEL: 'z', ORBITER_AUTH_PASS: 'p' })
    expect(problems.map(({ variable }) => variable)).toEqual([
      'ORRERY_LISTEN',
      'ORRERY_DRY_RUN',
      'LOG_LEVEL',
      'ORBITER_AUTH_USER',
    ])
  })

  it('shows no secret, whether in a variable of its own or in a URL', () => {
    const { message } = problemsOf({ ORBITER_AUTH_PASS: 'hunter2', ORRERY_URL: 'ftp://me:hunter2@host' })
    expect(message).toContain('***@host')
    expect(message).not.toContain('hunter2')
  })

  it.each([
    'me:hunter2@host:8000',
    'http://me:hunter2@host:99999',
    'http://me:hun/ter2@host',
    'http://me:hunter2@x@host:99999',
    'http://me:hunter2 @ho st',
    'ht tp://me:hunter2@host',
    '//me:hunter2@host',
  ])('shows no secret in %j, which is no URL', (text) => {
    for (const variable of ['ORRERY_URL', 'ORRERY_CONTROLLERS', 'PROMETHEUS_URL', 'CONSUL_HTTP_ADDR', 'DOCKER_HOST']) {
      let message = ''
      try {
        loadConfig({ [variable]: text })
      } catch (error) {
        message = String(error)
      }
      expect(message).not.toMatch(/hun|ter2/)
    }
  })
})

describe('a warning at the start', () => {
  const warned: { name: string; env: Environment; says: string }[] = [
    { name: 'a pinned engine version', env: { DOCKER_API_VERSION: '1.40' }, says: 'strips newer fields' },
    {
      name: 'trust without a token file',
      env: { ORRERY_TRUSTED_CIDRS: '10.0.0.0/8' },
      says: 'everybody in 10.0.0.0/8',
    },
    {
      name: 'trust that has no effect',
      env: { ORRERY_TRUSTED_CIDRS: '::/0', ORRERY_TOKEN_FILE: '/t' },
      says: 'no effect',
    },
    {
      name: 'a misspelt variable',
      env: { ORRERY_TOKENS_FILE: '/t' },
      says: 'ORRERY_TOKENS_FILE is not a variable of this program and has no effect; did you mean ORRERY_TOKEN_FILE?',
    },
    {
      name: 'a variable cut short',
      env: { ORRERY_TRUSTED_CIDR: '10.0.0.0/8' },
      says: 'did you mean ORRERY_TRUSTED_CIDRS?',
    },
    {
      name: 'a variable that resembles none',
      env: { ORRERY_ZZZZZZZZ: '1' },
      says: 'ORRERY_ZZZZZZZZ is not a variable of this program and has no effect; docs/configuration.md lists',
    },
  ]
  it.each(warned)('is given for $name', ({ env, says }) => {
    expect(configWarnings(loadConfig(env), env).join()).toContain(says)
  })

  it('is not given for nothing', () => {
    const others = {
      PATH: '/bin',
      ORRERY_TOKENS_FILE: '',
      ORRERY_IMAGE: 'orrery',
      DOCKER_HOSTS: 'x',
      ORRERY_LISTEN: ':1',
    }
    for (const env of [{}, others]) expect(configWarnings(loadConfig(env), env)).toEqual([])
  })
})
