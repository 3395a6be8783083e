/** Where the controllers are, by what the local engine says. Pure. */

/** `10.0.0.1:2377` and `[fd00::1]:2377` are managers; a controller listens on each, on this port. */
const PORT = 8001

export function controllerUrls(managers: readonly string[]): readonly string[] {
  return [...new Set(managers.flatMap(urlOf))].toSorted()
}

function urlOf(address: string): string[] {
  const bracketed = /^\[([0-9a-f:.%]+)\](?::\d+)?$/i.exec(address)?.[1]
  if (bracketed !== undefined) return [`https://[${bracketed}]:${PORT}`]
  const colons = address.split(':').length - 1
  if (colons > 1) return [`https://[${address}]:${PORT}`]
  const [host = ''] = address.split(':')
  return host === '' || host === '0.0.0.0' ? [] : [`https://${host}:${PORT}`]
}
