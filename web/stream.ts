/** Server-sent events through fetch: unlike EventSource it can carry a bearer token. Runs in the shared worker, or in a tab. */

export interface StreamEvent {
  readonly id: string
  readonly type: string
  readonly data: string
}

export type StreamNews =
  | { readonly kind: 'event'; readonly event: StreamEvent }
  /** `since`: when the last byte came, ms since the epoch; absent: never. */
  | { readonly kind: 'state'; readonly state: 'open' | 'closed' | 'refused'; readonly since?: number }

const FIRST_BACKOFF_MS = 1000
const MOST_BACKOFF_MS = 30_000
/** The server says something at least every 15 s. */
const SILENCE_MS = 20_000

export function followEvents(
  { url, headers }: { readonly url: string; readonly headers: Record<string, string> },
  tell: (news: StreamNews) => void,
): () => void {
  const closing = new AbortController()
  let lastId = ''
  let lastByteAt: number | undefined

  const since = () => (lastByteAt === undefined ? {} : { since: lastByteAt })

  const once = async (): Promise<'refused' | 'ended'> => {
    const attempt = new AbortController()
    const stop = () => attempt.abort()
    closing.signal.addEventListener('abort', stop)
    let silence = setTimeout(stop, SILENCE_MS)
    try {
      const more = lastId === '' ? {} : { 'Last-Event-ID': lastId }
      const response = await fetch(url, {
        headers: { ...headers, ...more, Accept: 'text/event-stream' },
        credentials: 'omit',
        redirect: 'error',
        signal: attempt.signal,
      })
      if (!response.ok || response.body === null)
        return response.status === 401 || response.status === 403 ? 'refused' : 'ended'
      tell({ kind: 'state', state: 'open' })
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (let rest = ''; ; ) {
        const { done, value } = await reader.read()
        if (done) return 'ended'
        lastByteAt = Date.now()
        clearTimeout(silence)
        silence = setTimeout(stop, SILENCE_MS)
        const blocks = (rest + value).split('\n\n')
        rest = blocks.pop() ?? ''
        for (const block of blocks) {
          const event = parse(block)
          if (event === undefined) continue
          if (event.id !== '') lastId = event.id
          tell({ kind: 'event', event })
        }
      }
    } catch {
      return 'ended'
    } finally {
      clearTimeout(silence)
      attempt.abort()
      closing.signal.removeEventListener('abort', stop)
    }
  }

  const run = async () => {
    for (let failures = 0; !closing.signal.aborted; ) {
      const startedAt = Date.now()
      const end = await once()
      if (closing.signal.aborted) return
      tell({ kind: 'state', state: end === 'refused' ? 'refused' : 'closed', ...since() })
      if (end === 'refused') return
      failures = Date.now() - startedAt > SILENCE_MS ? 0 : failures + 1
      const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MOST_BACKOFF_MS)
      await new Promise((resolve) => setTimeout(resolve, backoff * (0.5 + Math.random() / 2)))
    }
  }
  void run()
  return () => closing.abort()
}

/** Comments keep the line open and are no event. */
function parse(block: string): StreamEvent | undefined {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const at = line.indexOf(':')
    if (at <= 0) continue
    const name = line.slice(0, at)
    const value = line.slice(at + 1).replace(/^ /, '')
    const before = fields.get(name)
    fields.set(name, before === undefined ? value : `${before}\n${value}`)
  }
  const data = fields.get('data')
  if (data === undefined) return undefined
  return { id: fields.get('id') ?? '', type: fields.get('event') ?? 'message', data }
}
