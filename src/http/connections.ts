/** How many connections there may be: beyond that, the one that has been quiet longest makes room for the next. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface Connections {
  /** Call before the server listens. */
  watch(server: Server): void
  /** Its connection has sent a whole request: it is not quiet. */
  heard(socket: Socket): void
  /** Ends all of them, also those that are in the midst of a handshake. */
  end(): void
}

/** The hard end, for the moment until those that make room are closed. */
const SPARE = 64

export function createConnections(most: number): Connections {
  /** By their two ends, since TLS has another socket than the one that was accepted; the longest quiet first. */
  const open = new Map<string, Socket>()
  const endsOf = ({ remoteAddress, remotePort, localPort }: Socket) => `${remoteAddress} ${remotePort} ${localPort}`

  return {
    watch(server) {
      server.maxConnections = most + SPARE
      server.on('connection', (socket: Socket) => {
        const ends = endsOf(socket)
        open.set(ends, socket)
        socket.once('close', () => open.delete(ends))
        if (open.size <= most) return
        const [quiet] = open
        if (quiet === undefined) return
        open.delete(quiet[0])
        quiet[1].destroy()
      })
    },
    end() {
      for (const socket of open.values()) socket.destroy()
    },
    heard(socket) {
      const ends = endsOf(socket)
      const known = open.get(ends)
      if (known === undefined) return
      open.delete(ends)
      open.set(ends, known)
    },
  }
}
