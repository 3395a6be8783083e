/** Text of others, read to a limit: what somebody else sends must not fill this process' memory. */

export class TooLarge extends Error {
  constructor(mostBytes: number) {
    super(`it is longer than ${mostBytes} bytes`)
  }
}

/** Throws TooLarge, and whatever the body does. */
export async function readLimited(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new TooLarge(mostBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
