/** Parts of a URL that somebody wrote with a path and a credential in it. */

/** User and password of a URL as the header `authorization`; `undefined`: it has none. Throws URIError for a `%` that is no `%xx`. */
export function basicOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/** The URL of a start page without its credential, and without a slash at the end. */
export const baseOf = ({ origin, pathname }: URL): string => `${origin}${pathname.replace(/\/+$/, '')}`
