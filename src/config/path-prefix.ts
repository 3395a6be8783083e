/** A path below which routes are served once more: `/scaler`, or nothing. Pure. */

/** Without a slash at its end; empty for none. Throws an Error that says what would be right. */
export function parsePathPrefix(text: string): string {
  const path = text.replace(/\/+$/, '')
  if (path === '' || /^(\/[A-Za-z0-9._~-]+)+$/.test(path)) return path
  throw new Error('write a path such as /scaler, of letters, digits and . _ ~ -')
}
