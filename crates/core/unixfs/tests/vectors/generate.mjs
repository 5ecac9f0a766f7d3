// Vectors from the JavaScript implementation of UnixFS and CAR.
//
// Writes trees.json and *.car beside itself. The bytes of files are those of `pattern` below, so
// that the tests make them anew. Every tree is read back by the exporter before it is written down.
import { writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { importer } from 'ipfs-unixfs-importer'
import { exporter, recursive } from 'ipfs-unixfs-exporter'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced, trickle } from 'ipfs-unixfs-importer/layout'
import { MemoryBlockstore } from 'blockstore-core/memory'
import { CarWriter } from '@ipld/car'
import { CID } from 'multiformats/cid'

const here = (name) => new URL(name, import.meta.url)

// 32-bit xorshift, little-endian words.
function * pattern (size, state = 0x12345678) {
  for (let left = size; left > 0;) {
    const take = Math.min(left, 1 << 20)
    const words = new Uint32Array(Math.ceil(take / 4))
    for (let i = 0; i < words.length; i++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      words[i] = state >>> 0
    }
    yield new Uint8Array(words.buffer, 0, take)
    left -= take
  }
}

const kubo = (cidVersion) => ({
  cidVersion,
  rawLeaves: cidVersion === 1,
  reduceSingleLeafToSelf: true,
  chunker: fixedSize({ chunkSize: 262144 }),
  layout: balanced({ maxChildrenPerNode: 174 }),
  wrapWithDirectory: false
})

// Records the order in which blocks are made and how often.
class Recorder extends MemoryBlockstore {
  blocks = []
  put (cid, bytes) {
    this.blocks.push([cid, bytes])
    return super.put(cid, bytes)
  }
}

async function build (source, options) {
  const store = new Recorder()
  let root
  for await (const entry of importer(source, store, options)) root = entry
  return { store, root }
}

async function bytesOf (store, cid) {
  const bytes = store.get(cid)
  if (bytes instanceof Uint8Array) return bytes
  const pieces = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function car (name, roots, blocks) {
  const { writer, out } = CarWriter.create(roots)
  const pieces = []
  const reading = (async () => { for await (const piece of out) pieces.push(piece) })()
  for (const [cid, bytes] of blocks) await writer.put({ cid, bytes })
  await writer.close()
  await reading
  writeFileSync(here(name), Buffer.concat(pieces))
}

const files = []
for (const size of [0, 1, 262144, 262145, 1000000, 45000000]) {
  for (const version of [0, 1]) {
    const { store, root } = await build([{ content: pattern(size) }], kubo(version))
    const hash = createHash('sha256')
    let read = 0
    for await (const piece of (await exporter(root.cid, store)).content()) { hash.update(piece); read += piece.length }
    if (read !== size) throw new Error('read back ' + read)
    const expected = createHash('sha256')
    for (const piece of pattern(size)) expected.update(piece)
    if (hash.digest('hex') !== expected.digest('hex')) throw new Error('other bytes')
    const names = createHash('sha256')
    const made = [...new Set(store.blocks.map(([cid]) => cid.toString()))].sort()
    for (const cid of made) names.update(cid + '\n')
    files.push({
      size, version, root: root.cid.toString(), weight: Number(root.size), blocks: made.length, names: names.digest('hex')
    })
  }
}

const small = (text) => [new TextEncoder().encode(text)]
const directories = []
const sources = {
  three: ['a.txt', 'b.txt', 'c.txt'].map((path) => ({ path: 'd/' + path, content: small(path) })),
  nested: ['top', 'sub/inner', 'sub/deeper/leaf', 'sub/deeper/other', 'z/é', 'z/日本.txt']
    .map((path) => ({ path: 'd/' + path, content: small(path) })),
  many: Array.from({ length: 10000 }, (_, at) => ({ path: `d/file-${at}.txt`, content: small(String(at)) })),
  long: Array.from({ length: 920 }, (_, at) => ({
    path: 'd/' + String(at).padStart(4, '0') + 'z'.repeat(246), content: small('x')
  }))
}
for (const [name, source] of Object.entries(sources)) {
  for (const version of [0, 1]) {
    const { store, root } = await build(source, kubo(version))
    let found = 0
    for await (const entry of recursive(root.cid, store)) found += (await exporter(entry.cid, store)).type === 'directory' ? 0 : 1
    if (found !== source.length) throw new Error(`${name}: ${found} files`)
    directories.push({ name, version, root: root.cid.toString(), weight: Number(root.size), files: found })
    if (version === 1 && name === 'nested') {
      await car('nested.car', [root.cid], store.blocks)
    }
  }
}

// A small sharded directory, with shards below shards.
const sharded = await build(
  Array.from({ length: 300 }, (_, at) => ({ path: `d/${at}`, content: small(String(at)) })),
  { ...kubo(1), shardSplitThresholdBytes: 0 }
)
await car('sharded.car', [sharded.root.cid], sharded.store.blocks)

// Layouts that are not built here but must be read: trickle, and data blocks within nodes.
const trickled = await build([{ content: pattern(5000) }], {
  ...kubo(1), chunker: fixedSize({ chunkSize: 100 }), layout: trickle()
})
await car('trickle.car', [trickled.root.cid], trickled.store.blocks)

// A root that is not a file: roots and codecs of other kinds, two roots, no blocks.
const other = CID.parse('bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua')
await car('two-roots.car', [other, CID.parse('QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn')], [])

writeFileSync(here('trees.json'), JSON.stringify({ files, directories }, null, 1) + '\n')
