/** Calls of the API with this tab's token. The root is relative, so that the dashboard works below any path prefix. */
import { signal } from '@preact/signals'

/** Ends with a slash: `./` at `/ui`, `../` at `/ui/`. */
export const root = document.documentElement.dataset.root ?? './'

const KEY = 'orrery-token'

/** Session storage knows the port, which cookies do not: another page of this host never sees it. */
export const token = signal(sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? '')

export function signIn(value: string, keep: boolean): void {
  const storage = keep ? localStorage : sessionStorage
  storage.setItem(KEY, value)
  token.value = value
}

export function signOut(): void {
  sessionStorage.removeItem(KEY)
  localStorage.removeItem(KEY)
  token.value = ''
}

/** What the API refused, with its own words. `status` 0: no answer. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail)
  }
}

export const headers = (value: string): Record<string, string> =>
  value === ''
    ? { 'X-Requested-With': 'orrery-ui' }
    : { Authorization: `Bearer ${value}`, 'X-Requested-With': 'orrery-ui' }

/** Throws Refused. */
async function call<Answer>(
  method: string,
  path: string,
  body?: unknown,
  more: Record<string, string> = {},
): Promise<Answer> {
  const init: RequestInit = {
    method,
    headers: { ...headers(token.value), ...more },
    credentials: 'omit',
    redirect: 'error',
  }
  if (body !== undefined) init.body = JSON.stringify(body)
  let response: Response
  try {
    response = await fetch(`${root}${path}`, init)
  } catch {
    throw new Refused(0, 'unreachable', 'The controller does not answer.')
  }
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok) return answer as Answer
  const problem = (answer ?? {}) as { code?: string; detail?: string; title?: string }
  throw new Refused(response.status, problem.code ?? '', problem.detail ?? problem.title ?? `status ${response.status}`)
}

export const get = <Answer>(path: string) => call<Answer>('GET', path)
export const put = <Answer>(path: string, body: unknown) => call<Answer>('PUT', path, body)

/** Every wish has a key of its own: an answer that was lost can be asked for again without a second step. */
export const post = <Answer>(path: string, body?: unknown) =>
  call<Answer>('POST', path, body, { 'Idempotency-Key': randomKey() })

/** Over plain HTTP `crypto.randomUUID` does not exist; `getRandomValues` does. */
function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
