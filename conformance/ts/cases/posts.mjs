import { assert, client, ethAccount, processed, random, refused, sha256, test, waitStatus } from '../lib.mjs'
import { ItemType, MessageNotFoundError } from '@aleph-sdk/message'

const CHANNEL = 'TEST'
const post = (from, content, more = {}) =>
  processed(from.createPost({ postType: 'note', channel: CHANNEL, content, sync: true, ...more }))

test('post.create_get', async () => {
  const account = ethAccount()
  const it = client(account)
  const content = { title: random(), list: [1, 2.5, null, true], nested: { a: { b: 'c' } } }
  const message = await post(it, content)
  assert.equal(message.item_type, ItemType.inline)
  assert.equal(message.item_hash, sha256(message.item_content))
  const read = await it.getPost({ hashes: [message.item_hash] })
  assert.deepEqual(read.content, content)
  assert.equal(read.item_hash, message.item_hash)
  assert.equal(read.original_item_hash, message.item_hash)
  assert.equal(read.address, account.address)
  assert.equal(read.sender, account.address)
  assert.equal(read.type, 'note')
  assert.equal(read.channel, CHANNEL)
  assert.equal(read.signature, message.signature)
  assert.equal(read.time, message.time)
  assert.equal(read.confirmed, false)
})

test('post.without_sync', async () => {
  const it = client(ethAccount())
  const message = await post(it, { n: 1 }, { sync: false })
  assert.deepEqual((await it.getPost({ hashes: [message.item_hash] })).content, { n: 1 })
})

test('post.unicode', async () => {
  const it = client(ethAccount())
  const content = { text: 'žluťoučký кот 猫 🐈‍⬛ \u2028 "\\/ \u0001', '键': 1e-7 }
  const message = await post(it, content)
  assert.deepEqual((await it.getPost({ hashes: [message.item_hash] })).content, content)
  assert.equal((await it.getMessage(message.item_hash)).item_content, message.item_content)
})

test('post.amend', async () => {
  const it = client(ethAccount())
  const first = await post(it, { version: 1 })
  for (const version of [2, 3]) {
    const amend = await post(it, { version }, { postType: 'amend', ref: first.item_hash })
    const read = await it.getPost({ hashes: [first.item_hash] })
    assert.deepEqual(read.content, { version })
    assert.equal(read.item_hash, amend.item_hash)
    assert.equal(read.original_item_hash, first.item_hash)
    assert.equal(read.original_signature, first.signature)
    assert.equal(read.original_type, 'note')
  }
})

test('post.amend_of_other_refused', async () => {
  const first = await post(client(ethAccount()), { version: 1 })
  const other = client(ethAccount())
  const amend = { postType: 'amend', ref: first.item_hash, channel: CHANNEL, content: { version: 2 }, sync: false }
  const message = await other.createPost(amend)
  await waitStatus(message.item_hash, 'rejected')
  assert.deepEqual((await other.getPost({ hashes: [first.item_hash] })).content, { version: 1 })
})

test('post.list_filters', async () => {
  const account = ethAccount()
  const it = client(account)
  const [channel, ref, tag, type] = ['channel', 'ref', 'tag', 'type'].map(random)
  const wanted = await post(it, { tags: [tag, 'other'] }, { channel, ref, postType: type })
  await post(it, { tags: ['other'] })
  const filters = [{ channels: [channel] }, { refs: [ref] }, { tags: [tag] }, { types: type }, { types: [type] }]
  for (const filter of filters) {
    const { posts, pagination_total } = await it.getPosts({ addresses: [account.address], ...filter })
    assert.deepEqual(posts.map((p) => p.item_hash), [wanted.item_hash], JSON.stringify(filter))
    assert.equal(pagination_total, 1)
  }
})

test('post.list_pages', async () => {
  const account = ethAccount()
  const it = client(account)
  const sent = []
  for (let n = 0; n < 5; n += 1) sent.unshift((await post(it, { n })).item_hash)
  const seen = []
  for (const page of [1, 2, 3]) {
    const answer = await it.getPosts({ addresses: [account.address], pagination: 2, page })
    assert.equal(answer.pagination_page, page)
    assert.equal(answer.pagination_per_page, 2)
    assert.equal(answer.pagination_total, 5)
    assert.equal(answer.pagination_item, 'posts')
    seen.push(...answer.posts.map((p) => p.item_hash))
  }
  assert.deepEqual(seen, sent)
})

test('post.none_is_MessageNotFoundError', async () => {
  await refused(client().getPost({ addresses: [ethAccount().address] }), MessageNotFoundError)
})

// 50,000 bytes and more leave the envelope: the SDK pushes the content to storage/add_json first.
test('post.large_content_goes_to_storage', async () => {
  const it = client(ethAccount())
  const content = { text: 'ž猫'.repeat(20000), list: Array.from({ length: 1000 }, (_, n) => n / 7) }
  const message = await post(it, content)
  assert.equal(message.item_type, ItemType.storage)
  assert.equal(message.item_content, undefined)
  assert.deepEqual((await it.getPost({ hashes: [message.item_hash] })).content, content)
  const read = await it.getMessage(message.item_hash)
  assert.equal(read.item_type, 'storage')
  assert.equal(read.item_content, null)
  assert.deepEqual(read.content, JSON.parse(JSON.stringify(message.content)))
  // The node writes the content in its own way before it names it; what it serves has that name.
  const raw = Buffer.from(await it.downloadFile(message.item_hash))
  assert.equal(message.item_hash, sha256(raw))
  assert.deepEqual(JSON.parse(raw.toString()), JSON.parse(JSON.stringify(message.content)))
})

test('post.storage_engine', async () => {
  const it = client(ethAccount())
  const message = await post(it, { small: true }, { storageEngine: ItemType.storage })
  assert.equal(message.item_type, ItemType.storage)
  assert.deepEqual((await it.getPost({ hashes: [message.item_hash] })).content, { small: true })
})

test('post.for_other_address', async () => {
  const owner = ethAccount()
  const writer = ethAccount()
  const content = { authorizations: [{ address: writer.address, types: ['POST'] }] }
  await processed(client(owner).createAggregate({ key: 'security', content, channel: 'security', sync: true }))
  const message = await post(client(writer), { by: 'writer' }, { address: owner.address })
  const read = await client().getPost({ hashes: [message.item_hash] })
  assert.equal(read.address, owner.address)
  assert.equal(read.sender, owner.address)
  assert.equal((await client().getMessage(message.item_hash)).sender, writer.address)
})
