import { expect, it } from 'vitest'
import { controllerUrls } from '../../../../src/agent/sync/controller-urls.ts'

it.each([
  {
    name: 'IPv4',
    managers: ['10.0.0.2:2377', '10.0.0.1:2377'],
    urls: ['https://10.0.0.1:8001', 'https://10.0.0.2:8001'],
  },
  { name: 'IPv6, in brackets', managers: ['[fd00::1]:2377'], urls: ['https://[fd00::1]:8001'] },
  { name: 'IPv6 without a port', managers: ['fd00::1'], urls: ['https://[fd00::1]:8001'] },
  { name: 'a name', managers: ['manager1:2377'], urls: ['https://manager1:8001'] },
  { name: 'one manager named twice', managers: ['10.0.0.1:2377', '10.0.0.1:2377'], urls: ['https://10.0.0.1:8001'] },
  { name: 'an address that nobody has', managers: ['0.0.0.0:2377', ''], urls: [] },
  { name: 'none', managers: [], urls: [] },
])('controllers are found at port 8001 of the managers: $name', ({ managers, urls }) => {
  expect(controllerUrls(managers)).toEqual(urls)
  for (const url of urls) expect(URL.canParse(url)).toBe(true)
})
