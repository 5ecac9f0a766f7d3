import { randomBytes } from 'node:crypto'
import { assert, axios, client, ethAccount, fund, get, NODE_URL, processed, random, refused, sha256, skip, test } from '../lib.mjs'
import { broadcast, buildMessage, InvalidMessageError, ItemType, MessageType, prepareAlephMessage } from '@aleph-sdk/message'

// An account with balance: what the node charges for files is not the matter of these cases.
async function holder() {
  const account = ethAccount()
  await fund(account.address)
  return [account, client(account)]
}
const upload = (from, bytes, more = {}) =>
  processed(from.createStore({ fileObject: new Blob([bytes]), channel: 'TEST', sync: true, ...more }))

test('store.upload_and_download', async () => {
  const [account, it] = await holder()
  const bytes = randomBytes(3000)
  const message = await upload(it, bytes)
  assert.equal(message.type, 'STORE')
  assert.equal(message.content.item_hash, sha256(bytes))
  const read = await it.getMessage(message.item_hash)
  assert.equal(read.content.item_hash, sha256(bytes))
  assert.equal(read.content.address, account.address)
  assert.ok(bytes.equals(Buffer.from(await it.downloadFile(sha256(bytes)))))
})

test('store.upload_without_sync', async () => {
  const [, it] = await holder()
  const bytes = randomBytes(100)
  await upload(it, bytes, { sync: false })
  assert.ok(bytes.equals(Buffer.from(await it.downloadFile(sha256(bytes)))))
})

test('store.upload_5_MiB', async () => {
  const [, it] = await holder()
  const bytes = randomBytes(5 * 1024 * 1024)
  await upload(it, bytes)
  assert.ok(bytes.equals(Buffer.from(await it.downloadFile(sha256(bytes)))))
})

test('store.metadata_is_kept', async () => {
  const [, it] = await holder()
  const message = await upload(it, randomBytes(10), { metadata: { name: 'a.txt' }, extraFields: { n: 1 } })
  const { content } = await it.getMessage(message.item_hash)
  assert.deepEqual(content.metadata, { name: 'a.txt' })
  assert.deepEqual(content.extra_fields, { n: 1 })
})

test('store.wrong_hash_refused', async () => {
  const account = ethAccount()
  await fund(account.address)
  const store = client(account).storeClient
  const time = Date.now() / 1000
  const content = { address: account.address, item_type: 'storage', item_hash: sha256('other'), time }
  const built = buildMessage({ account, content, timestamp: time, storageEngine: ItemType.inline, channel: 'TEST' }, MessageType.store)
  const hashed = await prepareAlephMessage({ message: built, apiServer: NODE_URL })
  await refused(store.uploadStore(hashed, account, new Blob([randomBytes(10)]), true), InvalidMessageError)
})

test('store.read_routes', async () => {
  const [account, it] = await holder()
  const bytes = randomBytes(50)
  const message = await upload(it, bytes)
  const hash = sha256(bytes)
  for (const path of [`by-message-hash/${message.item_hash}`, `by-ref/${message.item_hash}`, `metadata/${hash}`]) {
    const { status, data } = await get(`/api/v0/storage/${path}`)
    assert.equal(status, 200, path)
    assert.equal(data.file_hash, hash, path)
    assert.equal(data.size, bytes.length, path)
  }
  const count = await get(`/api/v0/storage/count/${hash}`)
  assert.ok(count.data >= 1, `${count.data} pins`)
  const files = (await get(`/api/v0/addresses/${account.address}/files`)).data
  assert.deepEqual(files.files.map((f) => f.file_hash), [hash])
  assert.equal(files.total_size, bytes.length)
})

test('store.by_ref_gives_the_newest', async () => {
  const [account, it] = await holder()
  const ref = random('ref')
  const hashes = []
  for (const bytes of [randomBytes(20), randomBytes(30)]) {
    const form = new FormData()
    form.append('file', new Blob([bytes]))
    const pushed = await axios.post(`${NODE_URL}/api/v0/storage/add_file`, form)
    assert.equal(pushed.data.hash, sha256(bytes))
    const time = Date.now() / 1000
    const content = { address: account.address, item_type: 'storage', item_hash: pushed.data.hash, time, ref }
    const built = buildMessage({ account, content, timestamp: time, storageEngine: ItemType.inline, channel: 'TEST' }, MessageType.store)
    const hashed = await prepareAlephMessage({ message: built, apiServer: NODE_URL })
    const { message } = await broadcast({ message: hashed, account, apiServer: NODE_URL, sync: true })
    await processed(message)
    hashes.push(pushed.data.hash)
  }
  const { status, data } = await get(`/api/v0/storage/by-ref/${account.address}/${ref}`)
  assert.equal(status, 200)
  assert.equal(data.file_hash, hashes[1])
  assert.ok(await it.downloadFile(hashes[0]))
})

test('store.download_unknown_is_404', async () => {
  const answer = await client().downloadFile(sha256(random())).catch((error) => error)
  assert.equal(answer.response?.status, 404)
})

test('store.ipfs', async () => {
  const probe = new FormData()
  probe.append('file', new Blob(['probe']))
  const { status } = await axios.post(`${NODE_URL}/api/v0/ipfs/add_file`, probe, { validateStatus: () => true })
  if (status !== 200) skip(`the node has no IPFS engine (${status})`)
  const [, it] = await holder()
  const bytes = randomBytes(1000)
  const message = await upload(it, bytes, { storageEngine: ItemType.ipfs })
  assert.ok(bytes.equals(Buffer.from(await it.downloadFile(message.content.item_hash))))
})

test('store.cost', async () => {
  const [account, it] = await holder()
  const fileObject = new Blob([randomBytes(2000)])
  const estimate = await it.storeClient.getEstimatedCost({ account, fileObject })
  assert.equal(estimate.payment_type, 'hold')
  assert.ok(Number(estimate.cost) > 0, `cost ${estimate.cost}`)
  const message = await processed(it.createStore({ fileObject, channel: 'TEST', sync: true }))
  const cost = await it.storeClient.getCost(message.item_hash)
  assert.equal(cost.payment_type, 'hold')
  assert.equal(typeof cost.cost, 'string')
})
