/** Consul: what should be registered, what is, and the cause of each difference. */
import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import type { Registration, Registrations } from '../api-types.ts'
import type { Tone } from '../model/rows.ts'
import { Badge, Empty, Filter, More, useRead, When, Wide } from '../parts/ui.tsx'
import { refine, route } from '../store.ts'

const STATES: Readonly<Record<string, Tone>> = {
  missing: 'bad',
  differs: 'warn',
  extra: 'busy',
  kept: 'warn',
  registered: 'ok',
}
const ORDER = Object.keys(STATES)
const MOST = 300

export function Consul() {
  const [most, setMost] = useState(MOST)
  const { data, problem } = useRead(
    () => get<Registrations>('v1/registration'),
    'consul',
    () => true,
  )
  if (data === undefined) return problem === '' ? <Empty>Reading…</Empty> : <p class="problem">{problem}</p>
  const { query } = route.value
  const words = (query.q ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const found = data.registrations
    .filter(
      (one) =>
        (query.state === undefined || one.state === query.state) &&
        words.every((word) => `${one.name} ${one.service} ${one.node} ${one.address}`.toLowerCase().includes(word)),
    )
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))
  // What of keys was not understood is listed one by one.
  const wrong = data.conditions.filter(({ type, status }) => !status && type !== 'KeysUnderstood')
  const issues = new Map<string, Registrations['issues'][number] & { readonly times: number }>()
  for (const issue of data.issues) {
    const key = JSON.stringify([issue.service, issue.key, issue.message])
    issues.set(key, { ...issue, times: (issues.get(key)?.times ?? 0) + 1 })
  }
  return (
    <>
      <header class="title">
        <h1>Consul</h1>
        <span class="why">
          {data.consul}, {data.mode} mode, this controller is {data.role}
          {data.lastSync && (
            <>
              , synchronized <When at={data.lastSync.at} />
            </>
          )}
        </span>
      </header>
      {wrong.map(({ type, reason }) => (
        <p key={type} class="problem">
          {type}: {reason}
        </p>
      ))}
      {[...issues].map(([id, { service, key, message, effect, times }]) => (
        <p key={id} class="notice">
          {service}: <code>{key}</code> {message} <Badge tone="warn">{effect}</Badge>
          {times > 1 && ` ${times} times`}
        </p>
      ))}
      <fieldset class="tiles">
        <legend class="unseen">Show only</legend>
        {ORDER.map((state) => {
          const count = data.registrations.filter((one) => one.state === state).length
          return (
            <button
              type="button"
              key={state}
              class={`tile ${count === 0 ? 'is-none' : ''}`}
              aria-pressed={query.state === state}
              onClick={() => refine({ state: query.state === state ? '' : state })}
            >
              <b>{count}</b> {state}
            </button>
          )
        })}
      </fieldset>
      <div class="filters">
        <Filter placeholder="name, node or address" />
      </div>
      {found.length === 0 ? <Empty>Nothing is registered here.</Empty> : <Entries entries={found.slice(0, most)} />}
      <More left={Math.max(0, found.length - most)} what="entries" onClick={() => setMost(Number.POSITIVE_INFINITY)} />
    </>
  )
}

const Entries = ({ entries }: { entries: readonly Registration[] }) => (
  <Wide label="Entries">
    <table class="entries log">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Service</th>
          <th scope="col">Node</th>
          <th scope="col">Address</th>
          <th scope="col">Tags</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {entries.map(({ id, name, service, node, address, port, tags, state, reason }) => (
          <tr key={id}>
            <th scope="row" title={id}>
              {name}
            </th>
            <td>{service}</td>
            <td>{node}</td>
            <td>
              {address}:{port}
            </td>
            <td>{tags.join(', ')}</td>
            <td class="whole">
              <Badge tone={STATES[state] ?? 'warn'}>{state}</Badge> <span class="why">{reason}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </Wide>
)
