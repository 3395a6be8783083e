import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHost } from '../../../src/adapters/host/host.ts'
import { createIp, isNothingThere } from '../../../src/adapters/host/ip-command.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-ip-'))
})
afterAll(async () => await rm(folder, { recursive: true, force: true }))

/** A program in the place of ip. */
async function program(name: string, script: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

describe('ip', () => {
  it('is told its arguments one by one, in plain English', async () => {
    const echo = await program('echo', 'printf "%s|" "$@"; printf %s "$LC_ALL"')
    expect(await createIp({ program: echo })(['link', 'set', 'alias', 'orrery a b; $(x)'])).toBe(
      'link|set|alias|orrery a b; $(x)|C',
    )
  })

  const failures: { name: string; says: string; code: string; remedy: RegExp }[] = [
    { name: 'no module', says: 'Error: Unknown device type.', code: 'kind-unknown', remedy: /no module for it/ },
    {
      name: 'no right',
      says: 'RTNETLINK answers: Operation not permitted',
      code: 'not-permitted',
      remedy: /NET_ADMIN/,
    },
    { name: 'a port', says: 'RTNETLINK answers: Device or resource busy', code: 'busy', remedy: /a bridge, a bond/ },
    { name: 'another ip', says: "ip: invalid option -- 'j'\nBusyBox v1.35.0", code: 'ip-missing', remedy: /iproute2/ },
    { name: 'anything else', says: 'Error: Nexthop has invalid gateway.', code: 'host-failed', remedy: /Nexthop/ },
  ]
  it.each(failures)('says what to do about $name', async ({ says, code, remedy }) => {
    const failing = await program('failing', `echo "${says}" >&2; exit 2`)
    await expect(createIp({ program: failing })(['link', 'add'])).rejects.toMatchObject({
      name: 'HostFault',
      code,
      message: expect.stringMatching(remedy),
    })
  })

  it('is missing where there is no such program, and where it prints no JSON', async () => {
    const missing = { name: 'HostFault', code: 'ip-missing', message: expect.stringContaining('install iproute2') }
    await expect(createHost({ program: join(folder, 'none') }).observe({ ipv6: true })).rejects.toMatchObject(missing)
    const text = await program('text', 'echo "1: lo: <LOOPBACK>"')
    await expect(createHost({ program: text }).observe({ ipv6: false })).rejects.toMatchObject(missing)
  })

  it('is not waited for without end', async () => {
    const slow = await program('slow', 'exec sleep 20')
    await expect(createIp({ program: slow, timeoutMs: 100 })(['link'])).rejects.toMatchObject({
      code: 'host-failed',
      message: '"ip link" did not end in time.',
    })
  })

  it('has removed what it does not find', async () => {
    const gone = await program('gone', 'echo \'Cannot find device "x"\' >&2; exit 1')
    const host = createHost({ program: gone })
    await expect(host.carryOut({ do: 'remove-link', link: 'x' })).resolves.toBeUndefined()
    const error: unknown = await host.carryOut({ do: 'raise-link', link: 'x' }).catch((cause: unknown) => cause)
    expect(isNothingThere(error)).toBe(true)
  })
})
