/** A comma list of networks as written, each proven to be one. */
import { isIP } from 'node:net'

/** `10.0.0.0/8,fd00::/8,192.0.2.7`; a bare address means that address alone. Throws an Error that says what would be right. */
export function parseCidrList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseCidr)
}

function parseCidr(text: string): string {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  const longest = family === 6 ? 128 : 32
  const bits = prefix === undefined ? longest : Number(prefix)
  const prefixReadable = prefix === undefined || /^\d{1,3}$/.test(prefix)
  if (family === 0 || rest.length > 0 || !prefixReadable || bits > longest) {
    throw new Error(`"${text}" is no network; write addresses with a prefix length, such as 10.0.0.0/8,fd00::/8`)
  }
  return `${address}/${bits}`
}
