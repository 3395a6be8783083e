/** One autoscaler: its history, what would happen now, its policy, conditions, tasks and decisions. */
import { useState } from 'preact/hooks'
import { get, post } from '../api.ts'
import type { Autoscaler, Explanation, HistoryPoint, Task } from '../api-types.ts'
import { statusOf } from '../model/rows.ts'
import { bytes, until } from '../model/time.ts'
import { CountField, PauseButton, StepButtons } from '../parts/actions.tsx'
import { HistoryChart } from '../parts/chart.tsx'
import { DecisionTable } from '../parts/decisions.tsx'
import { LoadSection } from '../parts/load.tsx'
import { Badge, Conditions, counted, Empty, useRead, When, Wide } from '../parts/ui.tsx'
import { WeekSection } from '../parts/week.tsx'
import { nowMs, pauseOfAll, say, summaries } from '../store.ts'

export function Service({ name }: { name: string }) {
  const at = `v1/autoscaler/${encodeURIComponent(name)}`
  const isOurs = (service: string) => service === name
  const one = useRead(() => get<Autoscaler>(at), name, isOurs)
  const history = useRead(() => get<{ points: HistoryPoint[]; since: string }>(`${at}/history`), name, isOurs)
  const tasks = useRead(() => get<{ tasks: Task[] }>(`${at}/tasks`), name, isOurs)
  const row = summaries.value.get(name)
  const status = row && statusOf(row, nowMs.value, pauseOfAll.value)
  return (
    <>
      <header class="title">
        <h1>{name}</h1>
        {status && <Badge tone={status.tone}>{status.word}</Badge>}
        {status && <span class="why">{status.why}</span>}
      </header>
      {one.problem !== '' && (
        <p class="problem" role="alert">
          {one.problem}
        </p>
      )}
      {row && (
        <div class="acts">
          <CountField row={row} /> <StepButtons row={row} /> <PauseButton row={row} />
          <span class="faint">
            {row.running ?? '?'} of {row.replicas} running
          </span>
        </div>
      )}
      {history.data && <HistoryChart points={history.data.points} sinceMs={Date.parse(history.data.since)} />}
      <div class="halves">
        <Now name={name} />
        {one.data && <Policy one={one.data} />}
      </div>
      {one.data?.load && <LoadSection load={one.data.load} policy={one.data.policy} />}
      {one.data && hasSchedules(one.data) && <WeekSection name={name} />}
      {one.data && <Conditions conditions={one.data.conditions} />}
      <section>
        <h2>Tasks</h2>
        {tasks.problem !== '' && <p class="problem">{tasks.problem}</p>}
        {tasks.data && <Tasks tasks={tasks.data.tasks} />}
      </section>
      <section>
        <h2>Decisions</h2>
        <DecisionTable decisions={one.data?.decisions ?? []} withService={false} />
      </section>
    </>
  )
}

const hasSchedules = ({ policy }: Autoscaler) => Object.keys(policy).some((field) => field.startsWith('schedule.'))

/** What would be decided, stage by stage; asked again after each event of the service. */
function Now({ name }: { name: string }) {
  const [wish, setWish] = useState('up')
  const [count, setCount] = useState('')
  const body = wish === 'replicas' ? { replicas: Number(count) } : { direction: wish }
  const isAskable = wish !== 'replicas' || /^\d{1,6}$/.test(count)
  const read = async () =>
    isAskable ? await post<Explanation>(`v1/autoscaler/${encodeURIComponent(name)}/explain`, body) : undefined
  const { data, problem } = useRead(read, `${name} ${wish} ${count}`, (service) => service === name)
  return (
    <section>
      <h2>What if</h2>
      <div class="filters">
        <label>
          somebody asks for{' '}
          <select value={wish} onChange={({ currentTarget }) => setWish(currentTarget.value)}>
            <option value="up">a step up</option>
            <option value="down">a step down</option>
            <option value="replicas">a count</option>
          </select>
        </label>
        {wish === 'replicas' && (
          <label>
            of{' '}
            <input
              inputMode="numeric"
              size={4}
              value={count}
              onInput={({ currentTarget }) => setCount(currentTarget.value)}
            />
          </label>
        )}
      </div>
      {problem !== '' && <p class="problem">{problem}</p>}
      {data && (
        <>
          <p aria-live="polite">
            <Badge tone={data.outcome === 'scaled' ? 'ok' : 'warn'}>{data.outcome}</Badge>{' '}
            {data.outcome === 'scaled' ? `${data.from} → ${data.to}` : ''} {data.reason}
            {data.retryAt !== undefined && <span class="faint"> {until(data.retryAt, nowMs.value)}</span>}
          </p>
          <ol class="stages">
            {data.stages.map(({ stage, result, detail }) => (
              <li key={stage} class={result}>
                <b>{stage}</b> <span>{detail}</span>
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  )
}

function Policy({ one }: { one: Autoscaler }) {
  const written = Object.entries(one.policy).filter(([, { source }]) => source !== 'default')
  const defaults = Object.entries(one.policy).filter(([, { source }]) => source === 'default')
  return (
    <section>
      <h2>Policy</h2>
      {one.issues.map(({ severity, field, message }) => (
        <p key={field + message} class={severity === 'error' ? 'problem' : 'notice'}>
          <code>{field}</code> {message}
        </p>
      ))}
      <dl class="fields">
        {written.map(([field, { value, source }]) => (
          <div key={field}>
            <dt>{field}</dt>
            <dd>
              {value} <span class="faint">{source}</span>
            </dd>
          </div>
        ))}
      </dl>
      <details>
        <summary>{counted(defaults.length, 'field')} by default</summary>
        <dl class="fields">
          {defaults.map(([field, { value }]) => (
            <div key={field}>
              <dt>{field}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
      <Labels one={one} />
    </section>
  )
}

/** Over plain HTTP there is no clipboard: the text is selected, and people copy it themselves. */
function Labels({ one }: { one: Autoscaler }) {
  const text = Object.entries(one.policy)
    .filter(([, { source }]) => source !== 'default')
    .map(([field, { value }]) => `autoscaler.${field}: ${JSON.stringify(value)}`)
    .join('\n')
  const copy = async (target: HTMLTextAreaElement | null) => {
    target?.select()
    if (navigator.clipboard === undefined) return say('selected: copy it with Ctrl-C')
    await navigator.clipboard.writeText(text).then(
      () => say('copied'),
      () => say('selected: copy it with Ctrl-C'),
    )
  }
  return (
    <details>
      <summary>As labels of the stack file</summary>
      <textarea readOnly rows={Math.min(12, text.split('\n').length + 1)} value={text} aria-label="Labels" />
      <button
        type="button"
        class="small"
        onClick={({ currentTarget }) => void copy(currentTarget.parentElement?.querySelector('textarea') ?? null)}
      >
        Copy
      </button>
    </details>
  )
}

function Tasks({ tasks }: { tasks: readonly Task[] }) {
  if (tasks.length === 0) return <Empty>No tasks.</Empty>
  return (
    <Wide label="Tasks">
      <table>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">Node</th>
            <th scope="col">State</th>
            <th scope="col">Since</th>
            <th scope="col">Address</th>
            <th scope="col">CPU</th>
            <th scope="col">Memory</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <tr key={task.id}>
              <th scope="row" title={task.id}>
                {task.slot ?? task.id.slice(0, 12)}
              </th>
              <td>{task.node?.hostname ?? task.node?.id ?? <span class="faint">none yet</span>}</td>
              <td>
                {task.state}
                {task.state !== task.desiredState && <span class="faint"> (wanted: {task.desiredState})</span>}
                {task.error && <span class="why bad"> {task.error}</span>}
              </td>
              <td>
                <When at={task.since} />
              </td>
              <td>{(task.addresses ?? []).join(', ')}</td>
              <td class="number">{task.cpuPercent === undefined ? '' : `${Math.round(task.cpuPercent)} %`}</td>
              <td class="number">{bytes(task.memoryBytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  )
}
