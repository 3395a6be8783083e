/** Signing in: a token, pasted. It is kept by this tab, or by this browser if one wants it. */
import { useState } from 'preact/hooks'
import { signIn, signOut, token } from '../api.ts'
import { controller, needsToken, trouble } from '../store.ts'

export function SignIn() {
  const [text, setText] = useState('')
  const [keep, setKeep] = useState(false)
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim() !== '') signIn(text.trim(), keep)
      }}
    >
      <h1>Sign in</h1>
      <p>
        Paste a token of this controller’s token file (<code>orrery-tokens</code>, if you made it with{' '}
        <code>make-tokens.sh</code>). One of the role <b>read</b> looks, one of <b>scale</b> may act.
      </p>
      {token.value !== '' && needsToken.value && (
        <p class="problem" role="alert">
          {trouble.value}
        </p>
      )}
      <label>
        Token{' '}
        <input
          type="password"
          autoComplete="off"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <label class="line">
        <input type="checkbox" checked={keep} onChange={({ currentTarget }) => setKeep(currentTarget.checked)} /> keep
        it in this browser
      </label>
      <button type="submit" class="main">
        Sign in
      </button>
    </form>
  )
}

export function WhoAmI() {
  const known = controller.value
  if (known === undefined) return null
  const { mode, role, name } = known.access
  return (
    <span class="who">
      {name ?? role}
      {name !== undefined && <span class="faint"> {role}</span>}{' '}
      {mode === 'token' &&
        (token.value === '' ? (
          <button type="button" class="small" onClick={() => (needsToken.value = true)}>
            Sign in
          </button>
        ) : (
          <button type="button" class="small" onClick={signOut}>
            Sign out
          </button>
        ))}
    </span>
  )
}
