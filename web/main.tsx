/** The page: a bar that says whose word it is, the view that the URL names, and what just happened. */
import { render } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { href, type Page } from './model/route.ts'
import { clock, dateAndClock } from './model/time.ts'
import { resumeAll } from './parts/actions.tsx'
import { Button } from './parts/ui.tsx'
import { cannotWrite, connection, controller, needsToken, pauseOfAll, route, start, toast, trouble } from './store.ts'
import { Consul } from './views/consul.tsx'
import { Log } from './views/log.tsx'
import { NetworkPage, Networks } from './views/networks.tsx'
import { Nodes } from './views/nodes.tsx'
import { Overview } from './views/overview.tsx'
import { Service } from './views/service.tsx'
import { SignIn, WhoAmI } from './views/sign-in.tsx'

const PAGES: readonly { readonly page: Page; readonly word: string; readonly needs?: string }[] = [
  { page: 'overview', word: 'Overview' },
  { page: 'nodes', word: 'Map' },
  { page: 'networks', word: 'Networks', needs: 'networks' },
  { page: 'consul', word: 'Consul', needs: 'consul' },
  { page: 'log', word: 'Activity' },
]

function App() {
  const { page, name, query } = route.value
  const isWall = query.wall === '1'
  useEffect(() => {
    document.title = [name, 'Orrery'].filter(Boolean).join(' · ')
  }, [name, page])
  const isFirst = useRef(true)
  useEffect(() => {
    // What had the focus is gone with the view before: the keyboard goes on where the new one begins.
    if (!isFirst.current) focusContent()
    isFirst.current = false
  }, [page, name, needsToken.value])
  return (
    <>
      <button type="button" class="skip" onClick={focusContent}>
        To the content
      </button>
      {!isWall && <Bar />}
      <State />
      <main id="content" tabIndex={-1} class={isWall ? 'wall' : ''}>
        {needsToken.value ? <SignIn /> : <View page={page} name={name} />}
      </main>
      <Toast />
    </>
  )
}

/** No link to it: what stands behind `#` is the view. */
function focusContent(): void {
  document.getElementById('content')?.focus({ preventScroll: true })
}

function View({ page, name }: { page: Page; name: string }) {
  switch (page) {
    case 'overview':
      return <Overview />
    case 'service':
      return <Service name={name} />
    case 'nodes':
      return <Nodes />
    case 'networks':
      return <Networks />
    case 'network':
      return <NetworkPage name={name} />
    case 'consul':
      return <Consul />
    case 'log':
      return <Log />
    default:
      return page satisfies never
  }
}

function Bar() {
  const known = controller.value
  const current = route.value.page
  return (
    <header class="bar">
      <b class="brand">Orrery</b>
      <nav aria-label="Views">
        {PAGES.filter(({ needs }) => needs === undefined || known?.features[needs]).map(({ page, word }) => (
          <a key={page} href={href(page)} aria-current={current.startsWith(page.slice(0, 7)) ? 'page' : undefined}>
            {word}
          </a>
        ))}
        <a href={href('overview', '', { wall: '1' })}>Wall</a>
      </nav>
      <span class="controller">
        {known && (
          <>
            {known.hostname} <span class="faint">{known.version}</span>
          </>
        )}
      </span>
      <WhoAmI />
      <button type="button" class="small" aria-label="Dark or light" onClick={changeTheme}>
        ◐
      </button>
    </header>
  )
}

const THEME = 'orrery-theme'

function changeTheme(): void {
  const { dataset } = document.documentElement
  const isDark =
    dataset.theme === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : dataset.theme === 'dark'
  dataset.theme = isDark ? 'light' : 'dark'
  localStorage.setItem(THEME, dataset.theme)
}

/** What makes the page worth less than it looks, always in the same place. */
function State() {
  const known = controller.value
  const { open, since } = connection.value
  if (needsToken.value) return null
  const stale = since === undefined ? '' : `, stale since ${clock(since)}`
  const words = [
    !open && known !== undefined && `The controller is away${stale}. It is asked again by itself.`,
    known === undefined && trouble.value,
    open && known !== undefined && !known.sync.inSync && `Not in sync: ${known.sync.reason}`,
    known?.dryRun && 'Dry run: this controller decides and reports, and writes nothing.',
  ].filter((text): text is string => typeof text === 'string' && text !== '')
  return (
    <div class="state" role="status">
      {words.map((text) => (
        <p key={text.slice(0, 8)}>{text}</p>
      ))}
      <PausedAll />
    </div>
  )
}

/** Said without a countdown: it is read aloud when it changes. */
function PausedAll() {
  const pause = pauseOfAll.value
  if (pause === undefined) return null
  const { direction, until, by, reason } = pause
  const who = [by, reason].filter(Boolean).join(': ')
  return (
    <p>
      Everything is paused{direction === 'both' ? '' : ` (${direction})`}{' '}
      {until === undefined ? 'until it is resumed' : `until ${dateAndClock(until)}`}
      {who === '' ? '' : ` — ${who}`}.{' '}
      {route.value.query.wall !== '1' && (
        <Button label="Resume everything" why={cannotWrite.value} onClick={() => void resumeAll()}>
          Resume everything
        </Button>
      )}
    </p>
  )
}

function Toast() {
  const shown = toast.value
  useEffect(() => {
    if (shown === undefined) return
    const timer = setTimeout(() => {
      toast.value = undefined
    }, 8000)
    return () => clearTimeout(timer)
  }, [shown])
  return (
    <div class="toast" role="status" aria-live="polite">
      {shown && (
        <p class={shown.tone}>
          {shown.text}{' '}
          <button type="button" class="small" aria-label="Close" onClick={() => (toast.value = undefined)}>
            ×
          </button>
        </p>
      )}
    </div>
  )
}

const theme = localStorage.getItem(THEME)
if (theme !== null) document.documentElement.dataset.theme = theme
start()
const place = document.getElementById('app')
if (place !== null) render(<App />, place)
