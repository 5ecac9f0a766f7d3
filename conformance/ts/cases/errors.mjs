import { assert, client, ethAccount, get, NODE_URL, random, refused, sha256, test } from '../lib.mjs'
import { broadcast, buildMessage, InvalidMessageError, ItemType, MessageType, prepareAlephMessage } from '@aleph-sdk/message'

async function hashed(account, content, type = MessageType.post, change = {}) {
  const time = Date.now() / 1000
  const full = { address: account.address, time, ...content }
  const message = buildMessage({ account, content: full, timestamp: time, storageEngine: ItemType.inline, channel: 'TEST' }, type)
  return Object.assign(await prepareAlephMessage({ message, apiServer: NODE_URL }), change)
}
const send = (account, message, sync = true) => broadcast({ message, account, apiServer: NODE_URL, sync })
const post = { type: 'note', content: { a: 1 } }

test('error.bad_signature_is_InvalidMessageError', async () => {
  const [account, other] = [ethAccount(), ethAccount()]
  const message = await hashed(account, post)
  await refused(send(other, message), InvalidMessageError)
})

test('error.broken_signature_is_InvalidMessageError', async () => {
  const account = ethAccount()
  const message = await hashed(account, post)
  account.sign = async () => '0x1234'
  await refused(send(account, message), InvalidMessageError)
})

test('error.wrong_hash_is_InvalidMessageError', async () => {
  const account = ethAccount()
  await refused(send(account, await hashed(account, post, MessageType.post, { item_hash: sha256(random()) })), InvalidMessageError)
})

test('error.bad_content_is_InvalidMessageError', async () => {
  const account = ethAccount()
  await refused(send(account, await hashed(account, { key: 5, content: 'no' }, MessageType.aggregate)), InvalidMessageError)
})

test('error.other_address_is_InvalidMessageError', async () => {
  const account = ethAccount()
  const message = await hashed(account, { ...post, address: ethAccount().address })
  await refused(send(account, message), InvalidMessageError)
  const { data } = await get(`/api/v0/messages/${message.item_hash}`)
  assert.equal(data.status, 'rejected')
  assert.equal(data.error_code, 2)
})

test('error.amend_of_other_is_InvalidMessageError', async () => {
  const it = client(ethAccount())
  const target = await client(ethAccount()).createPost({ postType: 'note', channel: 'TEST', content: {}, sync: true })
  const amend = { postType: 'amend', ref: target.item_hash, channel: 'TEST', content: { a: 2 }, sync: true }
  const error = await refused(it.createPost(amend), InvalidMessageError)
  assert.match(error.errors[0], /422/)
})
