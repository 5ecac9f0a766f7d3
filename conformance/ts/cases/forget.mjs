import { randomBytes } from 'node:crypto'
import { assert, client, ethAccount, fund, get, processed, refused, test, waitStatus } from '../lib.mjs'
import { ForgottenMessageError, MessageNotFoundError } from '@aleph-sdk/message'

const send = (call) => processed(call)

test('forget.post', async () => {
  const it = client(ethAccount())
  const message = await send(it.createPost({ postType: 'note', channel: 'TEST', content: { secret: 1 }, sync: true }))
  const forget = await send(it.forget({ hashes: [message.item_hash], reason: 'no more', channel: 'TEST', sync: true }))
  const error = await refused(it.getMessage(message.item_hash), ForgottenMessageError)
  assert.match(error.message, new RegExp(forget.item_hash))
  await refused(it.getPost({ hashes: [message.item_hash] }), MessageNotFoundError)
  const { data } = await get(`/api/v0/messages/${message.item_hash}`)
  assert.deepEqual(data.forgotten_by, [forget.item_hash])
  assert.ok(!JSON.stringify(data).includes('secret'))
})

test('forget.several', async () => {
  const it = client(ethAccount())
  const hashes = []
  for (const n of [1, 2, 3]) {
    hashes.push((await send(it.createPost({ postType: 'note', channel: 'TEST', content: { n }, sync: true }))).item_hash)
  }
  await send(it.forget({ hashes: hashes.slice(0, 2), channel: 'TEST', sync: true }))
  for (const hash of hashes.slice(0, 2)) await refused(it.getMessage(hash), ForgottenMessageError)
  assert.equal((await it.getMessage(hashes[2])).item_hash, hashes[2])
})

test('forget.of_other_refused', async () => {
  const message = await send(client(ethAccount()).createPost({ postType: 'note', channel: 'TEST', content: {}, sync: true }))
  const forget = await client(ethAccount()).forget({ hashes: [message.item_hash], channel: 'TEST', sync: false })
  await waitStatus(forget.item_hash, 'rejected')
  assert.equal((await client().getMessage(message.item_hash)).item_hash, message.item_hash)
})

test('forget.aggregate', async () => {
  const account = ethAccount()
  const it = client(account)
  const message = await send(it.createAggregate({ key: 'k', content: { a: 1 }, channel: 'TEST', sync: true }))
  await send(it.forget({ hashes: [message.item_hash], channel: 'TEST', sync: true }))
  await refused(it.fetchAggregate(account.address, 'k'), MessageNotFoundError)
})

test('forget.file', async () => {
  const account = ethAccount()
  await fund(account.address)
  const it = client(account)
  const message = await send(it.createStore({ fileObject: new Blob([randomBytes(40)]), channel: 'TEST', sync: true }))
  await send(it.forget({ hashes: [message.item_hash], channel: 'TEST', sync: true }))
  await refused(it.getMessage(message.item_hash), ForgottenMessageError)
  const { status } = await get(`/api/v0/addresses/${account.address}/files`)
  assert.equal(status, 404)
})
