/** The page, what it shows and how it is filtered: all of it in the part of the URL behind `#`. Pure. */

export type Page = 'overview' | 'service' | 'nodes' | 'networks' | 'network' | 'consul' | 'log'

export interface Route {
  readonly page: Page
  /** Of an autoscaler or a network. */
  readonly name: string
  /** Filters; keys without a value are left out. */
  readonly query: Readonly<Record<string, string>>
}

/** What cannot be read is the overview: a link of an older version never ends on an empty page. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?')
  const query = Object.fromEntries([...new URLSearchParams(search)].filter(([, value]) => value !== ''))
  const [head, ...rest] = path.split('/')
  const name = decoded(rest.join('/'))
  if (head === 's' && name !== '') return { page: 'service', name, query }
  if (head === 'n') return { page: name === '' ? 'networks' : 'network', name, query }
  if (head === 'nodes' || head === 'consul' || head === 'log') return { page: head, name: '', query }
  return { page: 'overview', name: '', query }
}

const PATHS: Record<Page, string> = {
  overview: '',
  service: 's/',
  nodes: 'nodes',
  networks: 'n',
  network: 'n/',
  consul: 'consul',
  log: 'log',
}

export function href(page: Page, name = '', query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
  return `#/${PATHS[page]}${encodeURIComponent(name)}${search === '' ? '' : `?${search}`}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
