/** JSON arrays taken apart as their bytes come. */
const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
const MAX_ITEM_BYTES = 64 * 1024 * 1024

export interface Splitter {
  push(chunk: Buffer): void
  /** Throws SyntaxError if the array has not ended. */
  end(): void
}

/** Takes a JSON array apart, whatever the pieces it comes in: `take` gets the bytes of each object in it. */
export function createSplitter(take: (item: Buffer) => void): Splitter {
  let depth = 0
  let isInString = false
  let isEscaped = false
  let hasEnded = false
  let outside = ''
  /** Of the item that is under way, what came in earlier chunks. */
  let parts: Buffer[] = []
  let partBytes = 0

  const finish = (last: Buffer) => {
    take(parts.length === 0 ? last : Buffer.concat([...parts, last]))
    parts = []
    partBytes = 0
  }

  return {
    push(chunk) {
      let start = 0
      for (let index = 0; index < chunk.length; index += 1) {
        const byte = chunk[index]
        if (isInString) {
          if (isEscaped) isEscaped = false
          else if (byte === BACKSLASH) isEscaped = true
          else if (byte === QUOTE) isInString = false
        } else if (byte === QUOTE) isInString = true
        else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
          depth += 1
          if (depth === 2) start = index
        } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
          depth -= 1
          if (depth === 1) finish(chunk.subarray(start, index + 1))
          hasEnded = depth === 0
        }
      }
      if (depth === 0 && outside.length < 16) outside += chunk.toString('latin1', 0, 16)
      if (depth < 2) return
      parts.push(chunk.subarray(start))
      partBytes += chunk.length - start
      if (partBytes > MAX_ITEM_BYTES) throw new SyntaxError(`one item is longer than ${MAX_ITEM_BYTES} bytes`)
    },
    end() {
      // Go's way to write a list without anything in it.
      if (!hasEnded && outside.trim() !== 'null') throw new SyntaxError('the array does not end')
    },
  }
}
