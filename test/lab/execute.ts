import { spawn } from 'node:child_process'

export type Result = { code: number; stdout: string; stderr: string }
export type ExecuteOptions = {
  input?: string | Uint8Array
  /** Kill the program after this time; its code is then 124, as with `timeout`. */
  timeoutMs?: number
  /** Reject when the code is not 0 (the default). */
  check?: boolean
  /** How to end it on time-out, where killing the direct child would miss the program. */
  kill?: (pid: number) => void
}

/** Runs a program to its end and collects what it prints. */
export function execute(program: string, args: readonly string[], options: ExecuteOptions = {}): Promise<Result> {
  const { input, timeoutMs, check = true, kill = (pid: number) => process.kill(pid, 'SIGKILL') } = options
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let timedOut = false
    const timer = timeoutMs === undefined ? undefined : setTimeout(stop, timeoutMs)
    function stop() {
      timedOut = true
      if (child.pid !== undefined) kill(child.pid)
    }
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.stdin.on('error', () => {}) // a program need not read its input
    child.stdin.end(input)
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      const result: Result = {
        code: timedOut ? 124 : (code ?? 137),
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      }
      if (result.code === 0 || !check) resolve(result)
      else reject(new Error(describeFailure([program, ...args], result)))
    })
  })
}

function describeFailure(argv: string[], { code, stdout, stderr }: Result): string {
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-8).join('\n')
  return `${argv.join(' ')}: exit ${code}${said === '' ? '' : `\n${said}`}`
}
