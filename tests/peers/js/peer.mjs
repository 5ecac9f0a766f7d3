// A js-libp2p gossip peer, for tests of interoperability. It listens on TCP and WebSocket at loopback;
// commands come in as one JSON object a line, what happens goes out the same way: see ../README.md.
//
//   --rsa   an RSA identity instead of an ed25519 one

import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { messageId } from './id.mjs'

const TOPICS = ['ALIVE', 'ALEPH-TEST']
// For one command. A peer that does not answer is a failure to report, not to wait for.
const PATIENCE_MS = 20_000

const { values: options } = parseArgs({ options: { rsa: { type: 'boolean' } } })

const say = (event) => process.stdout.write(JSON.stringify(event) + '\n')
const base64 = (bytes) => Buffer.from(bytes).toString('base64')
const texts = (ids) => (ids ?? []).map((id) => Buffer.from(id).toString())

const node = await createLibp2p({
  privateKey: options.rsa ? await generateKeyPair('RSA', 2048) : await generateKeyPair('Ed25519'),
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] },
  transports: [tcp(), webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    pubsub: gossipsub({
      globalSignaturePolicy: 'StrictSign',
      msgIdFn: (message) => Buffer.from(messageId(message.data)),
      msgIdToStrFn: (id) => Buffer.from(id).toString(),
      seenTTL: 1_800_000,
      ignoreDuplicatePublishError: false
    })
  }
})
const { pubsub } = node.services

node.addEventListener('connection:open', ({ detail: connection }) => say({
  event: 'connected',
  peer: connection.remotePeer.toString(),
  dialled: connection.direction === 'outbound',
  address: connection.remoteAddr.toString()
}))
node.addEventListener('peer:disconnect', ({ detail: peer }) => say({ event: 'disconnected', peer: peer.toString() }))
node.addEventListener('peer:identify', ({ detail }) => say({
  event: 'identified',
  peer: detail.peerId.toString(),
  agent: detail.agentVersion,
  protocols: detail.protocols
}))
pubsub.addEventListener('subscription-change', ({ detail }) => {
  for (const { topic, subscribe } of detail.subscriptions) {
    say({ event: subscribe ? 'subscribed' : 'unsubscribed', peer: detail.peerId.toString(), topic })
  }
})
for (const change of ['graft', 'prune']) {
  pubsub.addEventListener(`gossipsub:${change}`, ({ detail }) => say({
    event: change, peer: detail.peerId, topic: detail.topic, direction: detail.direction
  }))
}
pubsub.addEventListener('gossipsub:message', ({ detail: { msg, msgId, propagationSource } }) => say({
  event: 'message',
  id: msgId,
  topic: msg.topic,
  author: msg.type === 'signed' ? msg.from.toString() : null,
  relay: propagationSource.toString(),
  data: base64(msg.data)
}))

// What a peer sends, before the router looks at it: a test that counts duplicates or requests must see
// those that change nothing as well.
const receive = pubsub.handleReceivedRpc.bind(pubsub)
pubsub.handleReceivedRpc = async (peer, rpc) => {
  const seen = {
    messages: (rpc.messages ?? []).map((message) => messageId(message.data ?? new Uint8Array())),
    ihave: (rpc.control?.ihave ?? []).flatMap((part) => texts(part.messageIDs)),
    iwant: (rpc.control?.iwant ?? []).flatMap((part) => texts(part.messageIDs)),
    idontwant: (rpc.control?.idontwant ?? []).flatMap((part) => texts(part.messageIDs))
  }
  if (Object.values(seen).some((list) => list.length > 0)) say({ event: 'rpc', peer: peer.toString(), ...seen })
  return receive(peer, rpc)
}

const connection = (peer) => {
  const found = node.getConnections().find((connection) => connection.remotePeer.toString() === peer)
  if (found == null) throw new Error('not connected')
  return found
}

const commands = {
  // With `ping`, a ping is asked for in the same turn as the dial ends.
  async dial ({ address, ping }) {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const connection = await node.dial(multiaddr(address), { signal })
    const peer = connection.remotePeer.toString()
    if (ping) await commands.ping({ peer })
    say({ event: 'dialled', peer })
  },
  async ping ({ peer }) {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const ms = await node.services.ping.ping(connection(peer).remotePeer, { signal })
    say({ event: 'pinged', peer, ms })
  },
  async disconnect ({ peer }) {
    await connection(peer).close({ signal: AbortSignal.timeout(PATIENCE_MS) })
  },
  async publish ({ topic, data }) {
    const bytes = Buffer.from(data, 'base64')
    const { recipients } = await pubsub.publish(topic, bytes)
    say({ event: 'published', id: messageId(bytes), to: recipients.map(String) })
  },
  async mesh ({ topic }) {
    say({ event: 'mesh', topic, peers: pubsub.getMeshPeers(topic) })
  },
  // An RPC as it is, past the router: what no honest peer would send.
  async rpc ({ peer, data }) {
    const stream = pubsub.streamsOutbound.get(peer)
    if (stream == null) throw new Error('no gossip stream')
    stream.push(Buffer.from(data, 'base64'))
    say({ event: 'sent', peer })
  }
}

for (const topic of TOPICS) pubsub.subscribe(topic)
say({
  event: 'listening',
  peer: node.peerId.toString(),
  addresses: node.getMultiaddrs().map(String),
  agent: `js-libp2p on node ${process.version}`
})

createInterface({ input: process.stdin }).on('line', async (line) => {
  try {
    const command = JSON.parse(line)
    if (commands[command.do] == null) throw new Error('unknown command')
    await commands[command.do](command)
  } catch (error) {
    say({ event: 'failed', command: line, error: `${error.name}: ${error.message}` })
  }
}).on('close', () => process.exit(0))
