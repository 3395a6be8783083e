import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import { execute } from '../execute.ts'
import { entrance } from '../inside.ts'
import { isStopped, processesNamed, signalIfAlive } from './processes.ts'

export type EngineState = 'running' | 'frozen' | 'stopped'

/** The engine of one node: dockerd and the containerd it starts. Containers are not part of it and outlive a kill. */
export type Engine = {
  /** Resolves when the API answers. */
  start(): Promise<void>
  /** SIGTERM, as a service manager would: containers are stopped too. Waits for the end. */
  stop(): Promise<void>
  /** SIGKILL: containers go on until the next start, which replaces them. */
  kill(): Promise<void>
  /** SIGSTOP: connections are taken and never answered, containers go on. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  state(): EngineState
}

export type EngineDeps = {
  api: Docker
  pid: number
  socketPath: string
  logPath: string
  /** Its containers' cgroups are below this one, which goes with the lab. */
  cgroup: string
}

/** What the shell adds to the log when an engine is started again. */
export const PANICKED = 'the engine panicked and is started again'

const startTimeoutMs = 60_000
const stopTimeoutMs = 60_000

export function engine({ api, pid, socketPath, logPath, cgroup }: EngineDeps): Engine {
  const processes = () => ['dockerd', 'containerd'].flatMap((name) => processesNamed(name, pid))
  const signal = (name: NodeJS.Signals) => {
    for (const found of processes()) signalIfAlive(found, name)
  }

  async function gone(what: string) {
    for (const deadline = Date.now() + stopTimeoutMs; processes().length > 0; await sleep(20)) {
      if (Date.now() > deadline) throw new Error(`${what}: the engine still runs after ${stopTimeoutMs / 1000} s`)
    }
  }

  async function start() {
    // A stale pid file would keep the next engine from starting: its number is soon another process's.
    const dockerd = [
      ...['dockerd', `--host=unix://${socketPath}`, '--host=unix:///var/run/docker.sock', '--group=root'],
      ...[`--cgroup-parent=/${cgroup}`, '--exec-opt=native.cgroupdriver=cgroupfs', '--storage-driver=overlay2'],
    ].join(' ')
    const clear = 'rm -f /var/run/docker.pid /var/run/docker/containerd/containerd.pid'
    // A panic of Go ends with 2: then as a service manager would (Restart=always), and in no other case. A leader of 20.10
    // panics when a service is removed while tasks of it are being deleted (SetServiceTasksRemove, a task that is nil).
    const again = `[ $? = 2 ] || break; echo ${PANICKED}; sleep 1`
    const line = `exec >>${logPath} 2>&1; while :; do ${clear}; ${dockerd}; ${again}; done`
    // `setsid --fork` hands the engine to the node's first process, so it is nobody's child outside.
    await execute('nsenter', entrance(pid, ['setsid', '--fork', 'sh', '-c', line]))
    for (const begun = Date.now(); ; await sleep(20)) {
      if (await api.ping().then(Boolean, () => false)) return
      const ended = Date.now() > begun + 1_000 && processes().length === 0
      if (ended || Date.now() > begun + startTimeoutMs) {
        throw new Error(`the engine ${ended ? 'ended' : 'does not answer'}\n${await lastLines(logPath)}`)
      }
    }
  }

  return {
    start,
    state() {
      const [dockerd] = processesNamed('dockerd', pid)
      if (dockerd === undefined) return 'stopped'
      return isStopped(dockerd) ? 'frozen' : 'running'
    },
    async stop() {
      signal('SIGCONT') // a frozen engine cannot act on SIGTERM
      for (const found of processesNamed('dockerd', pid)) signalIfAlive(found, 'SIGTERM')
      await gone('stop')
    },
    async kill() {
      signal('SIGKILL')
      await gone('kill')
    },
    async freeze() {
      signal('SIGSTOP')
      while (processes().some((found) => !isStopped(found))) await sleep(2)
    },
    async thaw() {
      signal('SIGCONT')
      while (processes().some(isStopped)) await sleep(2)
    },
  }
}

async function lastLines(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.trim().split('\n').slice(-15).join('\n')
}
