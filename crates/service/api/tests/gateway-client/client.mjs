// node client.mjs URL NAMES: reads trees of tests/it/gateway/trees.rs through the gateway at URL,
// with the parts that IPFS clients are made of. Each block is checked against its name before
// anything in it is used. NAMES is JSON: what the trees are called.
import assert from 'node:assert/strict'
import { fallbackRouter } from '@helia/fallback-router'
import { trustlessGatewayBlockBroker } from '@helia/trustless-gateway-client'
import { unixfs } from '@helia/unixfs'
import { CarReader } from '@ipld/car'
import { defaultLogger } from '@libp2p/logger'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'

const url = process.argv[2]
const names = JSON.parse(process.argv[3])
const long = 'z'.repeat(170)
const decoder = new TextDecoder()

const key = (cid) => Buffer.from(cid.multihash.bytes).toString('hex')

async function check(cid, block) {
  const { digest } = await sha256.digest(block)
  assert.deepEqual(digest, cid.multihash.digest, `block ${cid} is another`)
}

// The source of blocks that a node of Helia has, with one gateway and nothing kept.
function blockstore() {
  const routing = fallbackRouter({ gateways: [url] })
  const broker = trustlessGatewayBlockBroker({ allowInsecure: true, allowLocal: true })({
    routing,
    logger: defaultLogger()
  })
  return {
    fetched: 0,
    async *get(cid, options = {}) {
      this.fetched += 1
      yield await broker.retrieve(cid, { ...options, validateFn: (block) => check(cid, block) })
    }
  }
}

async function text(pieces) {
  const all = []
  for await (const piece of pieces) all.push(piece)
  return decoder.decode(Buffer.concat(all))
}

// The blocks of an archive, by the hash of their names; each is checked.
async function archive(path) {
  const answer = await fetch(`${url}${path}`)
  assert.equal(answer.status, 200, path)
  const blocks = new Map()
  const reader = await CarReader.fromBytes(new Uint8Array(await answer.arrayBuffer()))
  for await (const { cid, bytes } of reader.blocks()) {
    await check(cid, bytes)
    blocks.set(key(cid), bytes)
  }
  return {
    async *get(cid) {
      const block = blocks.get(key(cid))
      assert(block, `${cid} is not in the archive of ${path}`)
      yield block
    }
  }
}

const cases = {
  async 'a file on a path'() {
    const read = unixfs({ blockstore: blockstore() })
    const bytes = read.cat(CID.parse(names.site), { path: '/docs/ascii.txt' })
    assert.equal(await text(bytes), 'hello application/vnd.ipld.raw\n')
  },
  async 'a directory'() {
    const entries = []
    const read = unixfs({ blockstore: blockstore() })
    for await (const entry of read.ls(CID.parse(names.site))) entries.push(entry.name)
    assert.deepEqual(entries.sort(), ['data', 'docs', 'img', 'index.html'])
  },
  async 'a file in a sharded directory'() {
    const blocks = blockstore()
    const path = `/entry-0999-${long}`
    assert.equal(await text(unixfs({ blockstore: blocks }).cat(CID.parse(names.many), { path })), '999')
    assert(blocks.fetched < 10, `${blocks.fetched} blocks`)
  },
  async 'all entries of a sharded directory'() {
    const entries = new Set()
    const read = unixfs({ blockstore: blockstore() })
    for await (const entry of read.ls(CID.parse(names.many))) entries.add(entry.name)
    assert.equal(entries.size, 1500)
  },
  async 'a part of a file'() {
    const blocks = blockstore()
    const options = { offset: 262140, length: 10 }
    assert.equal(await text(unixfs({ blockstore: blocks }).cat(CID.parse(names.big), options)), '0123456789')
    assert.equal(blocks.fetched, 3)
  },
  async 'a file of the network'() {
    const read = unixfs({ blockstore: blockstore() })
    assert.equal(await text(read.cat(CID.parse(names.stored))), '0123456789'.repeat(60000))
  },
  async 'what is not there'() {
    const read = unixfs({ blockstore: blockstore() })
    const missing = CID.parse('QmYzfKSE55XCjD1MW128RfciAf2DViABhEiXfgVFMabSjN')
    await assert.rejects(text(read.cat(missing)), /404|Unable to fetch/)
  },
  async 'an archive of a file on a path'() {
    const blocks = await archive(`/ipfs/${names.site}/docs/ascii.txt?format=car`)
    const bytes = unixfs({ blockstore: blocks }).cat(CID.parse(names.site), { path: '/docs/ascii.txt' })
    assert.equal(await text(bytes), 'hello application/vnd.ipld.raw\n')
  },
  async 'an archive of a part of a file'() {
    const blocks = await archive(`/ipfs/${names.big}?format=car&entity-bytes=262140:262149`)
    const options = { offset: 262140, length: 10 }
    assert.equal(await text(unixfs({ blockstore: blocks }).cat(CID.parse(names.big), options)), '0123456789')
  },
  async 'an archive with repeated blocks'() {
    const blocks = await archive(`/ipfs/${names.pair}?format=car&car-dups=y`)
    const bytes = unixfs({ blockstore: blocks }).cat(CID.parse(names.pair), { path: '/b' })
    assert.equal(await text(bytes), 'one\n')
  }
}

let failed = 0
for (const [name, run] of Object.entries(cases)) {
  try {
    await run()
  } catch (error) {
    failed += 1
    console.error(`${name}: ${error.stack}`)
  }
}
if (failed === 0) console.log(`${Object.keys(cases).length} cases passed`)
process.exit(failed === 0 ? 0 : 1)
