import { describe, expect, it } from 'vitest'
import { parseLossless } from '../../../../src/adapters/swarm/engine/engine-json.ts'
import { openSpec, readService, specWithCount } from '../../../../src/adapters/swarm/services/service-mapper.ts'

const STATE = '"autoscaler.state":"old"'
const spec = (over: { labels?: string; mode?: string; template?: string; rest?: string } = {}) => {
  const {
    labels = '',
    mode = '{"Replicated":{"Replicas":3}}',
    template = '{"ContainerSpec":{"Image":"a"}}',
    rest = '',
  } = over
  return `{"Name":"web","Labels":{${labels}},"TaskTemplate":${template},"Mode":${mode}${rest}}`
}
const raw = (over: { spec?: string; previous?: string; status?: string } = {}) => {
  const previous = over.previous === undefined ? '' : `,"PreviousSpec":${over.previous}`
  const status = over.status === undefined ? '' : `,"UpdateStatus":${over.status}`
  const times = '"CreatedAt":"2025-01-02T03:04:05Z","UpdatedAt":"2025-01-02T03:04:05.00000012Z"'
  return parseLossless(`{"ID":"abc","Version":{"Index":42},${times},"Spec":${over.spec ?? spec()}${previous}${status}}`)
}
const seen = (over?: Parameters<typeof raw>[0]) => readService(raw(over))?.seen

describe('a raw service', () => {
  it('is read into an observation', () => {
    expect(readService(raw({ spec: spec({ labels: '"autoscaler.enable":"true"' }) }))).toMatchObject({
      seen: { id: 'abc', name: 'web', version: 42, mode: 'replicated', replicas: 3 },
      updatedAtNano: '1735787045000000120',
    })
    expect(seen()).not.toHaveProperty('previous')
    expect(seen()).not.toHaveProperty('updateState')
  })

  it.each([
    { mode: '{"Replicated":{"Replicas":0}}', is: 'replicated', replicas: 0 },
    { mode: '{"Replicated":{}}', is: 'replicated', replicas: 1 },
    { mode: '{"Replicated":{"Replicas":18446744073709551615}}', is: 'replicated', replicas: Number.MAX_SAFE_INTEGER },
    { mode: '{"Global":{}}', is: 'global', replicas: 0 },
    { mode: '{"ReplicatedJob":{"MaxConcurrent":2}}', is: 'replicated-job', replicas: 0 },
    { mode: '{"GlobalJob":{}}', is: 'global-job', replicas: 0 },
    { mode: '{"Sometime":{}}', is: 'unknown', replicas: 0 },
    { mode: '{"Global":{},"Replicated":{"Replicas":3}}', is: 'unknown', replicas: 0 },
    { mode: 'null', is: 'unknown', replicas: 0 },
  ])('of mode $mode is $is with $replicas', ({ mode, is, replicas }) => {
    expect(seen({ spec: spec({ mode }) })).toMatchObject({ mode: is, replicas })
  })

  it.each(['updating', 'paused', 'completed', 'rollback_started', 'rollback_paused', 'rollback_completed'])(
    'with update status %s says so',
    (State) => {
      expect(seen({ status: JSON.stringify({ State }) })?.updateState).toBe(State)
    },
  )

  it.each(['{}', 'null', '{"State":""}', '{"State":"something new"}'])('with update status %s has none', (status) => {
    expect(seen({ status })).not.toHaveProperty('updateState')
  })

  it('with strange labels keeps them all, and nothing is inherited', () => {
    const labels = seen({ spec: spec({ labels: '"__proto__":"x","constructor":"y","10":"a","9":"b"' }) })?.labels
    expect({ ...labels }).toEqual(JSON.parse('{"__proto__":"x","constructor":"y","10":"a","9":"b"}'))
    expect(Object.getPrototypeOf(labels)).toBeNull()
  })

  it.each(['{"Version":{"Index":1}}', '{"ID":"a"}', '{"ID":"a","Version":{"Index":-0.5}}', '[]', '"x"', 'null'])(
    'that is %s is malformed',
    (text) => {
      expect(() => readService(parseLossless(text))).toThrow('without an id or a version')
    },
  )

  it('without a spec is of unknown mode, and no fault', () => {
    expect(readService(parseLossless('{"ID":"a","Version":{"Index":1}}'))?.seen).toMatchObject({
      mode: 'unknown',
      name: '',
    })
  })

  it('of a plugin is left out, as in the list of the engine', () => {
    expect(
      readService(raw({ spec: spec({ template: '{"Runtime":"plugin"}', mode: '{"Global":{}}' }) })),
    ).toBeUndefined()
  })
})

describe('where its tasks may go', () => {
  const networks = '"Networks":[{"Target":"id-vlan40"},{"Target":"id-backend","Aliases":["web"]}]'
  const placed = (template: string, rest = '') => seen({ spec: spec({ template: `{${template}}`, rest }) })?.placement

  it('is not kept of a service without networks', () => {
    expect(seen()).not.toHaveProperty('placement')
    expect(placed('"Networks":[],"Placement":{"Constraints":["node.role == manager"]}')).toBeUndefined()
  })

  it('is little by default', () => {
    expect(placed(networks)).toEqual({
      networks: ['id-vlan40', 'id-backend'],
      constraints: [],
      maxPerNode: 0,
      platforms: [],
      surge: 0,
    })
  })

  it('is what the spec says', () => {
    const rules = [
      '"Constraints":["node.labels.a == b","node.id != c"]',
      '"MaxReplicas":3',
      '"Platforms":[{"Architecture":"amd64","OS":"linux"},{"OS":"linux"}]',
    ]
    expect(placed(`${networks},"Placement":{${rules.join()}}`)).toMatchObject({
      constraints: ['node.labels.a == b', 'node.id != c'],
      maxPerNode: 3,
      platforms: [
        { os: 'linux', architecture: 'amd64' },
        { os: 'linux', architecture: '' },
      ],
    })
  })

  it('knows networks where old clients wrote them', () => {
    expect(seen({ spec: spec({ rest: ',"Networks":[{"Target":"id-old"}]' }) })?.placement?.networks).toEqual(['id-old'])
  })

  it.each([
    { config: '"UpdateConfig":{"Parallelism":2,"Order":"stop-first"}', surge: 0 },
    { config: '"UpdateConfig":{"Parallelism":2,"Order":"start-first"}', surge: 2 },
    { config: '"UpdateConfig":{"Parallelism":0,"Order":"start-first"}', surge: 'all' },
    { config: '"UpdateConfig":{"Order":"start-first"}', surge: 'all' },
    { config: '"RollbackConfig":{"Parallelism":3,"Order":"start-first"}', surge: 3 },
    {
      config: '"UpdateConfig":{"Parallelism":2,"Order":"start-first"},"RollbackConfig":{"Order":"start-first"}',
      surge: 'all',
    },
  ])('with $config needs room for $surge more', ({ config, surge }) => {
    expect(placed(networks, `,${config}`)?.surge).toBe(surge)
  })

  it.each([
    { what: '"Resources":{"Reservations":{"MemoryBytes":1}}', uneven: 'its tasks reserve resources' },
    { what: '"Resources":{"Reservations":{"NanoCPUs":1}}', uneven: 'its tasks reserve resources' },
    {
      what: '"Resources":{"Reservations":{"GenericResources":[{"DiscreteResourceSpec":{"Kind":"gpu","Value":1}}]}}',
      uneven: 'its tasks reserve resources',
    },
    { what: '"Resources":{"Limits":{"MemoryBytes":1},"Reservations":{}}', uneven: undefined },
    {
      what: '"Placement":{"Preferences":[{"Spread":{"SpreadDescriptor":"node.labels.rack"}}]}',
      uneven: 'it has placement preferences',
    },
    {
      what: '"ContainerSpec":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Name":"nfs"}}}]}',
      uneven: 'it mounts volumes that not every node may have',
    },
    {
      what: '"ContainerSpec":{"Mounts":[{"Type":"cluster"}]}',
      uneven: 'it mounts volumes that not every node may have',
    },
    {
      what: '"ContainerSpec":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Name":"local"}}}]}',
      uneven: undefined,
    },
    { what: '"LogDriver":{"Name":"loki"}', uneven: 'it logs by a plugin that not every node may have' },
    { what: '"LogDriver":{"Name":"json-file"}', uneven: undefined },
  ])('with $what is uneven: $uneven', ({ what, uneven }) => {
    expect(placed(`${networks},${what}`)?.uneven).toBe(uneven)
  })

  it('with a port of the host is uneven, with one of the mesh it is not', () => {
    const port = (mode: string) =>
      placed(networks, `,"EndpointSpec":{"Ports":[{"PublishMode":"${mode}","PublishedPort":80}]}`)?.uneven
    expect(port('host')).toBe('it publishes ports of its hosts')
    expect(port('ingress')).toBeUndefined()
  })

  it.each(['"Networks":7', '"Networks":[7,null,{}]', '"Networks":[{"Target":["x"]}]'])('with %s is nothing', (odd) => {
    expect(placed(odd)).toBeUndefined()
  })
})

describe('the spec of before', () => {
  const cases = [
    {
      name: 'differs in the count alone',
      previous: spec({ mode: '{"Replicated":{"Replicas":9}}' }),
      sameTemplate: true,
      sameButCount: true,
    },
    { name: 'differs in our label alone', previous: spec({ labels: STATE }), sameTemplate: true, sameButCount: true },
    {
      name: 'differs in another label',
      previous: spec({ labels: '"a":"b"' }),
      sameTemplate: true,
      sameButCount: false,
    },
    {
      name: 'differs in its image',
      previous: spec({ template: '{"ContainerSpec":{"Image":"b"}}' }),
      sameTemplate: false,
      sameButCount: false,
    },
    { name: 'was global', previous: spec({ mode: '{"Global":{}}' }), sameTemplate: true, sameButCount: false },
    {
      name: 'had another update policy',
      previous: spec({ rest: ',"UpdateConfig":{"Parallelism":2}' }),
      sameTemplate: true,
      sameButCount: false,
    },
  ]

  it.each(cases)('$name', ({ previous, sameTemplate, sameButCount }) => {
    expect(seen({ previous })?.previous).toMatchObject({ sameTemplate, sameButCount })
  })

  it('differs when only the last digit of an integer above 2^53 does', () => {
    const limit = (digits: string) => spec({ template: `{"Resources":{"Limits":{"MemoryBytes":${digits}}}}` })
    const previous = seen({ spec: limit('9007199254740993'), previous: limit('9007199254740992') })?.previous
    expect(previous).toMatchObject({ sameTemplate: false })
  })

  it('brings its count and our label', () => {
    const previous = seen({ previous: spec({ labels: STATE, mode: '{"Replicated":{"Replicas":9}}' }) })?.previous
    expect(previous).toMatchObject({ replicas: 9, stateLabel: 'old' })
    expect(seen({ previous: spec({ mode: '{"Global":{}}' }) })?.previous).toMatchObject({
      replicas: undefined,
      stateLabel: undefined,
    })
  })
})

describe('the spec that is written', () => {
  const write = (text: string) => specWithCount(openSpec(parseLossless(text)), 7, 's')

  it('differs from the one that was read in the count and our label alone', () => {
    const rest = ',"Zed":{"New":[1,2.50,18446744073709551615]},"UpdateConfig":{"MaxFailureRatio":0.15}'
    const before = spec({ labels: `"z":"1",${STATE},"__proto__":"p"`, rest })
    const after = before.replace('"Replicas":3', '"Replicas":7').replace(STATE, '"autoscaler.state":"s"')
    expect(parseLossless(write(before))).toEqual(parseLossless(after))
  })

  it('gets our label behind the others at first', () => {
    expect(write(spec({ labels: '"a":"b"' }))).toContain('"Labels":{"a":"b","autoscaler.state":"s"}')
  })

  it('may have had no labels and no count', () => {
    expect(write('{"Name":"web","Labels":null,"Mode":{"Replicated":{}}}')).toBe(
      '{"Name":"web","Labels":{"autoscaler.state":"s"},"Mode":{"Replicated":{"Replicas":7}}}',
    )
  })
})
