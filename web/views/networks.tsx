/** Networks: how many addresses are left on each node, and who has each. */
import { get } from '../api.ts'
import type { Network, Share } from '../api-types.ts'
import { grid } from '../model/addresses.ts'
import { href } from '../model/route.ts'
import { until } from '../model/time.ts'
import { Badge, Conditions, Empty, useRead, Wide } from '../parts/ui.tsx'
import { nowMs, refine, route } from '../store.ts'

export function Networks() {
  const { data, problem } = useRead(
    () => get<{ networks: Network[] }>('v1/network?addresses=false'),
    'networks',
    () => true,
  )
  if (data === undefined) return problem === '' ? <Empty>Reading…</Empty> : <p class="problem">{problem}</p>
  if (data.networks.length === 0) {
    return (
      <>
        <h1>Networks</h1>
        <Empty>No network is defined.</Empty>
      </>
    )
  }
  return (
    <>
      <h1>Networks</h1>
      <Wide label="Networks">
        <table>
          <thead>
            <tr>
              <th scope="col">Network</th>
              <th scope="col">Subnet</th>
              <th scope="col">Nodes ready</th>
              <th scope="col">Addresses</th>
              <th scope="col">What is wrong</th>
            </tr>
          </thead>
          <tbody>
            {data.networks.map((network) => (
              <tr key={network.name}>
                <th scope="row">
                  <a href={href('network', network.name)}>{network.name}</a>
                </th>
                <td>{network.definition.subnet}</td>
                <td class="number">
                  {network.nodes.filter(({ ready }) => ready).length} / {network.nodes.length}
                </td>
                <td>
                  <Used {...network} />
                </td>
                <td>{wrongOf(network)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  )
}

/** These say something bad when they are true. */
const BAD_WHEN_TRUE = new Set(['Orphaned', 'Removing', 'DefinitionConflict'])

function wrongOf({ conditions }: Network) {
  const wrong = conditions.filter(({ type, status }) => status === BAD_WHEN_TRUE.has(type))
  if (wrong.length === 0) return <Badge tone="ok">ok</Badge>
  return wrong.map(({ type, reason }) => (
    <p key={type}>
      <Badge tone="warn">{type}</Badge> {reason}
    </p>
  ))
}

function Used({ usable, used, free }: Pick<Network, 'usable' | 'used' | 'free'>) {
  if (used === null) return <span class="faint">unknown: no agent has reported</span>
  return (
    <span class="bounds">
      <meter
        min={0}
        max={Math.max(usable, 1)}
        high={usable * 0.8}
        optimum={0}
        value={used}
        aria-label={`${used} of ${usable} in use`}
      />
      {free} of {usable} free
    </span>
  )
}

export function NetworkPage({ name }: { name: string }) {
  const { data, problem } = useRead(
    () => get<Network>(`v1/network/${encodeURIComponent(name)}`),
    name,
    () => true,
  )
  const search = route.value.query.q ?? ''
  return (
    <>
      <header class="title">
        <h1>{name}</h1>
        {data && <span class="why">{data.definition.subnet}</span>}
      </header>
      {problem !== '' && <p class="problem">{problem}</p>}
      {data && (
        <>
          <Used {...data} />
          {wrongOf(data)}
          {data.issues.map(({ file, field, level, message }) => (
            <p key={message} class={level === 'error' ? 'problem' : 'notice'}>
              {file} {field && <code>{field}</code>} {message}
            </p>
          ))}
          {data.pending.length > 0 && (
            <section>
              <h2>Next</h2>
              <ul>
                {data.pending.map((text) => (
                  <li key={text}>{text}</li>
                ))}
              </ul>
            </section>
          )}
          <div class="filters">
            <label>
              Find an address{' '}
              <input
                type="search"
                value={search}
                placeholder="10.40.3.17, or a name"
                onInput={({ currentTarget }) => refine({ q: currentTarget.value })}
              />
            </label>
          </div>
          <div class="shares">
            {data.nodes.map((share) => (
              <ShareSection key={share.nodeId} share={share} search={search} />
            ))}
          </div>
          <Freed network={data} />
          <Conditions conditions={data.conditions} />
        </>
      )}
    </>
  )
}

function ShareSection({ share, search }: { share: Share; search: string }) {
  const cells = grid(share)
  const isFound = (text: string) => search !== '' && text.includes(search)
  return (
    <section>
      <h2>
        {share.hostname} <span class="faint">{share.range}</span>
      </h2>
      <p>
        <Badge tone={share.ready ? 'ok' : 'warn'}>{share.ready ? 'ready' : 'not ready'}</Badge>{' '}
        {share.free === null ? 'its agent has not reported' : `${share.free} of ${share.usable} free`}
        {share.shim && <span class="faint"> · the host is {share.shim}</span>}
        {share.change && <span class="why"> {share.change}</span>}
      </p>
      {share.faults.map(({ code, message }) => (
        <p key={code} class="problem">
          {message}
        </p>
      ))}
      {cells === undefined ? null : (
        <div
          class="grid"
          role="img"
          aria-label={`${share.free ?? '?'} of ${share.usable} addresses of ${share.range} are free`}
        >
          {cells.map(({ address, use, text }) => (
            <i key={address} class={`${use}${isFound(text) ? ' found' : ''}`} title={text} />
          ))}
        </div>
      )}
      <details open={share.addresses.some((one) => isFound(Object.values(one).join(' ')))}>
        <summary>{share.addresses.length} addresses in use</summary>
        <ul class="addresses">
          {share.addresses.map((one) => (
            <li key={`${one.address} ${one.taskName}`} class={isFound(Object.values(one).join(' ')) ? 'found' : ''}>
              <code>{one.address ?? one.address6 ?? 'waits for an address'}</code> {one.use}{' '}
              {one.taskName ?? one.containerName ?? one.serviceName}
            </li>
          ))}
        </ul>
      </details>
    </section>
  )
}

function Freed({ network }: { network: Network }) {
  if (network.freed.length === 0) return null
  return (
    <section>
      <h2>Released ranges</h2>
      <ul>
        {network.freed.map(({ range, hostname, givenAgainFrom }) => (
          <li key={range}>
            <code>{range}</code> released by {hostname}, reusable {until(givenAgainFrom, nowMs.value) || 'now'}
          </li>
        ))}
      </ul>
    </section>
  )
}
