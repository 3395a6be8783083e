/** What the dashboard knows: read once, then kept up by events; asked anew when events may have been missed. */
import { batch, computed, signal } from '@preact/signals'
import { get, headers, Refused, root, token } from './api.ts'
import type { Controller, Decision, Pause, Role, Summary } from './api-types.ts'
import { href, parseRoute } from './model/route.ts'
import { followEvents, type StreamEvent, type StreamNews } from './stream.ts'

export const route = signal(parseRoute(location.hash))
export const nowMs = signal(Date.now())
/** For what is worth no look at everything each second. */
export const roughlyNowMs = computed(() => Math.floor(nowMs.value / 5000) * 5000)
export const controller = signal<Controller | undefined>(undefined)
export const summaries = signal<ReadonlyMap<string, Summary>>(new Map())
/** Of every autoscaler. */
export const pauseOfAll = signal<Pause | undefined>(undefined)
/** Newest first. */
export const decisions = signal<readonly Decision[]>([])
/** Empty: all is well. */
export const trouble = signal('')
export const connection = signal<{ readonly open: boolean; readonly since?: number }>({ open: false })
export const needsToken = signal(false)
/** What happened last, for views that then read again: to which services; to any, or to nodes, where there is an empty name. */
export const touched = signal<ReadonlySet<string>>(new Set())
export const toast = signal<{ readonly text: string; readonly tone: 'ok' | 'bad' } | undefined>(undefined)

export const role = computed<Role>(() => controller.value?.access.role ?? 'none')

/** Why this person cannot write here; empty: they can. */
export const cannotWrite = computed(() => {
  const known = controller.value
  if (known === undefined) return 'the controller has not answered yet'
  if (!connection.value.open && connection.value.since !== undefined) return 'the controller is away'
  if (known.ui === 'read') return 'this controller shows the dashboard read-only (ORRERY_UI=read)'
  if (known.ui === 'off') return 'this controller serves no dashboard any more (ORRERY_UI=off)'
  if (!known.sync.inSync) return `the controller is not in sync: ${known.sync.reason}`
  const role = known.access.role
  if (role === 'scale' || role === 'admin') return ''
  return known.access.mode === 'open'
    ? 'without a token file, only trusted addresses may write (ORRERY_TRUSTED_CIDRS or ORRERY_TOKEN_FILE)'
    : `your token has the role ${role}: sign in with one of the role scale`
})

export function go(page: Parameters<typeof href>[0], name = '', query: Record<string, string> = {}): void {
  location.hash = href(page, name, query)
}

/** Changes a filter in the URL without a new entry in the browser's history. */
export function refine(change: Record<string, string>): void {
  const { page, name, query } = route.value
  history.replaceState(null, '', href(page, name, { ...query, ...change }))
  route.value = parseRoute(location.hash)
}

export function say(text: string, tone: 'ok' | 'bad' = 'ok'): void {
  toast.value = { text, tone }
}

const MOST_DECISIONS = 500

let isReading = false
let isAskedAgain = false

/** Asked while it reads, it reads once more: what is on its way may be older than what it is asked for. */
export async function readAll(): Promise<void> {
  isAskedAgain = true
  if (isReading) return
  isReading = true
  while (isAskedAgain) {
    isAskedAgain = false
    await readOnce()
  }
  isReading = false
}

async function readOnce(): Promise<void> {
  try {
    // Without a token, whether one is needed is asked first: one refusal says it.
    const asked = get<Controller>('v1/controller')
    if (token.value === '') await asked
    const [known, list, log] = await Promise.all([
      asked,
      get<{ autoscalers: Summary[]; pause?: Pause }>('v1/autoscaler?view=summary'),
      get<{ decisions: Decision[] }>('v1/decision'),
    ])
    batch(() => {
      controller.value = known
      // Who has not changed stays the same object: it is not drawn again.
      summaries.value = new Map(list.autoscalers.map((one) => [one.name, sameOr(summaries.peek().get(one.name), one)]))
      pauseOfAll.value = list.pause
      decisions.value = log.decisions
      trouble.value = ''
      needsToken.value = false
      touched.value = ANY
    })
  } catch (error) {
    const refused = error instanceof Refused ? error : undefined
    needsToken.value = refused?.status === 401 || (refused?.status === 403 && token.value === '')
    trouble.value = error instanceof Error ? error.message : String(error)
  }
}

const sameOr = <Row>(before: Row | undefined, now: Row): Row =>
  before !== undefined && JSON.stringify(before) === JSON.stringify(now) ? before : now

const ANY: ReadonlySet<string> = new Set([''])

/** Whatever comes within this time is drawn once: of many services, tens of changes come in a second. */
const TOGETHER_MS = 50
const waiting: StreamEvent[] = []

function apply(event: StreamEvent): void {
  // Everything is read whenever a stream begins, so that these two need nothing more.
  if (event.type === 'hello' || event.type === 'resync') return
  waiting.push(event)
  if (waiting.length === 1) setTimeout(() => batch(applyWaiting), TOGETHER_MS)
}

function applyWaiting(): void {
  const rows = new Map(summaries.value)
  const decided: Decision[] = []
  const names = new Set<string>()
  for (const { type, data: text } of waiting.splice(0)) {
    const data: unknown = JSON.parse(text)
    if (type === 'autoscaler') {
      const row = data as Summary | { name: string; gone: true }
      if ('gone' in row) rows.delete(row.name)
      else rows.set(row.name, row)
      names.add(row.name)
    } else if (type === 'decision') {
      const decision = data as Decision
      decided.unshift(decision)
      names.add(decision.autoscaler)
    } else {
      const pause = data as Partial<Pause> & { everything?: true }
      if (pause.everything) pauseOfAll.value = type === 'pause' ? (data as Pause) : undefined
      names.add('')
    }
  }
  summaries.value = rows
  if (decided.length > 0) decisions.value = [...decided, ...decisions.value].slice(0, MOST_DECISIONS)
  touched.value = names
}

function hear(news: StreamNews): void {
  if (news.kind === 'event') {
    apply(news.event)
    return
  }
  const wasOpen = connection.value.open
  connection.value = { open: news.state === 'open', ...(news.since === undefined ? {} : { since: news.since }) }
  if (news.state === 'refused' && !needsToken.value) void readAll()
  if (news.state === 'open' && !wasOpen) void readAll()
}

/** Trusted types refuse a plain text as the address of a worker. */
function scriptUrl(path: string): string {
  const { trustedTypes } = globalThis as {
    trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } }
  }
  return trustedTypes === undefined
    ? path
    : trustedTypes.createPolicy('orrery', { createScriptURL: (url: string) => url }).createScriptURL(path)
}

let disconnect = () => {}

/** One stream for all tabs where the browser has shared workers, else one a tab, closed while it is hidden. */
export function connect(): void {
  disconnect()
  const hello = { url: new URL(`${root}v1/event`, location.href).href, headers: headers(token.value) }
  const worker = document.documentElement.dataset.worker
  if (worker === undefined || typeof SharedWorker === 'undefined') {
    disconnect = followWhileVisible(hello)
    return
  }
  const port = sharedPort(worker)
  port.onmessage = ({ data }: MessageEvent<StreamNews>) => hear(data)
  port.postMessage(hello)
  disconnect = () => port.postMessage('bye')
}

let shared: SharedWorker | undefined

function sharedPort(path: string): MessagePort {
  if (shared === undefined) {
    shared = new SharedWorker(scriptUrl(path))
    shared.port.start()
    setInterval(() => shared?.port.postMessage('alive'), 20_000)
    addEventListener('pagehide', () => shared?.port.postMessage('bye'))
  }
  return shared.port
}

function followWhileVisible(hello: Parameters<typeof followEvents>[0]): () => void {
  let stop = () => {}
  const look = () => {
    stop()
    stop = document.hidden ? () => {} : followEvents(hello, hear)
  }
  document.addEventListener('visibilitychange', look)
  look()
  return () => {
    document.removeEventListener('visibilitychange', look)
    stop()
  }
}

export function start(): void {
  addEventListener('hashchange', () => {
    route.value = parseRoute(location.hash)
  })
  setInterval(() => {
    nowMs.value = Date.now()
  }, 1000)
  token.subscribe(() => {
    void readAll()
    connect()
  })
}
