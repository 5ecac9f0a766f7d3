// An IPFS node of JavaScript with nothing but bitswap, on TCP and WebSocket at loopback. Commands come
// in as one JSON object a line, answers go out the same way: see ../ipfs/README.md.

import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createHeliaLight } from 'helia'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { CID } from 'multiformats/cid'

// As `ipfs add` cuts files; Helia has chunks of a megabyte by itself.
const KUBO = {
  cidVersion: 0,
  rawLeaves: false,
  chunker: fixedSize({ chunkSize: 262_144 }),
  layout: balanced({ maxChildrenPerNode: 174 })
}
// For one command. A peer that does not answer is a failure to report, not to wait for.
const PATIENCE_MS = 60_000
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n')

const helia = await withBitswap(withLibp2pLight(createHeliaLight(), {
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] },
  transports: [tcp(), webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping() }
})).start()
const files = unixfs(helia)

async function * below (folder, path = '') {
  for (const entry of await readdir(join(folder, path), { withFileTypes: true })) {
    const inner = path === '' ? entry.name : `${path}/${entry.name}`
    if (entry.isDirectory()) yield * below(folder, inner)
    else yield { path: inner, content: await readFile(join(folder, inner)) }
  }
}

const commands = {
  connect: async ({ address }, signal) => {
    const connection = await helia.libp2p.dial(multiaddr(address), { signal })
    return { peer: connection.remotePeer.toString() }
  },
  add: async ({ path, like }) => {
    const options = like === 'kubo' ? KUBO : {}
    if (!(await stat(path)).isDirectory()) {
      return { cid: (await files.addBytes(await readFile(path), options)).toString() }
    }
    let root
    for await (const entry of files.addAll(below(path), { ...options, wrapWithDirectory: true })) root = entry.cid
    return { cid: root.toString() }
  },
  fetch: async ({ cid, to }, signal) => {
    const began = Date.now()
    const fetchInto = async (cid, to) => {
      const { type } = await files.stat(cid, { signal })
      if (type !== 'directory') {
        const pieces = []
        for await (const piece of files.cat(cid, { signal })) pieces.push(piece)
        await mkdir(dirname(to), { recursive: true })
        const bytes = Buffer.concat(pieces)
        await writeFile(to, bytes)
        return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
      }
      await mkdir(to, { recursive: true })
      for await (const entry of files.ls(cid, { signal })) await fetchInto(entry.cid, join(to, entry.name))
      return {}
    }
    return { ...await fetchInto(CID.parse(cid), to), ms: Date.now() - began }
  },
  has: async ({ cid }) => ({ has: await helia.blockstore.has(CID.parse(cid)) })
}

say({ event: 'ready', peer: helia.libp2p.peerId.toString(), addresses: helia.libp2p.getMultiaddrs().map(String) })
for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, ...rest } = JSON.parse(line)
  try {
    say({ id, ok: await commands[command](rest, AbortSignal.timeout(PATIENCE_MS)) })
  } catch (error) {
    say({ id, error: `${error.name}: ${error.message}` })
  }
}
await helia.stop()
process.exit(0)
