/** The network of the 2017 article, and the LAN that it is on: what tests and figures of networks build. */
export const NETWORK = 'vlan40'
export const LAN = { subnet: '172.80.0.0/16', gateway: '172.80.0.1' } as const
export const DEFINITION = `
name: ${NETWORK}
parent: eth1
subnet: ${LAN.subnet}
gateway: ${LAN.gateway}
pool: [172.80.1.0-172.80.200.255]
range: 24
`
