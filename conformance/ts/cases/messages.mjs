import { assert, client, ethAccount, processed, random, refused, sha256, skip, test } from '../lib.mjs'
import { MessageNotFoundError, MessageType } from '@aleph-sdk/message'
import * as solana from '@aleph-sdk/solana'

const hashes = (answer) => answer.messages.map((m) => m.item_hash)

test('message.get_is_what_was_sent', async () => {
  const it = client(ethAccount())
  const sent = await processed(it.createPost({ postType: 'note', channel: 'TEST', content: { a: 1 }, sync: true }))
  const read = await it.getMessage(sent.item_hash)
  for (const field of ['chain', 'sender', 'type', 'channel', 'time', 'item_type', 'item_hash', 'item_content', 'signature']) {
    assert.deepEqual(read[field], sent[field], field)
  }
  assert.deepEqual(read.content, JSON.parse(sent.item_content))
})

test('message.get_unknown_is_MessageNotFoundError', async () => {
  await refused(client().getMessage(sha256(random())), MessageNotFoundError)
})

test('message.get_of_other_type_is_TypeError', async () => {
  const it = client(ethAccount())
  const { item_hash: hash } = await processed(it.createPost({ postType: 'note', channel: 'TEST', content: {}, sync: true }))
  await refused(it.messageClient.get({ hash, messageType: MessageType.aggregate }), TypeError)
})

test('message.get_error', async () => skip('the SDK asks the public network, whatever node it was given'))

test('message.list_filters', async () => {
  const account = ethAccount()
  const it = client(account)
  const [channel, ref, tag, type] = ['channel', 'ref', 'tag', 'type'].map(random)
  const content = { tags: [tag] }
  const first = await processed(it.createPost({ postType: type, channel, ref, content, sync: true }))
  const second = await processed(it.createAggregate({ key: 'k', content: { a: 1 }, channel: 'TEST', sync: true }))
  const filters = [
    [{ channels: [channel] }, [first]],
    [{ refs: [ref] }, [first]],
    [{ tags: [tag] }, [first]],
    [{ contentTypes: [type] }, [first]],
    [{ messageTypes: [MessageType.post] }, [first]],
    [{ messageTypes: [MessageType.aggregate] }, [second]],
    [{ messageTypes: [MessageType.post, MessageType.aggregate] }, [second, first]],
    [{ hashes: [second.item_hash] }, [second]],
    [{ hashes: [first.item_hash, second.item_hash] }, [second, first]],
    [{ chains: ['ETH'] }, [second, first]],
    [{ chains: ['SOL'] }, []],
    [{ startDate: new Date(second.time * 1000) }, [second]],
    [{ endDate: new Date(second.time * 1000 - 1) }, [first]],
    [{}, [second, first]],
  ]
  for (const [filter, wanted] of filters) {
    const answer = await it.getMessages({ addresses: [account.address], ...filter })
    assert.deepEqual(hashes(answer), wanted.map((m) => m.item_hash), JSON.stringify(filter))
    assert.equal(answer.pagination_total, wanted.length, JSON.stringify(filter))
  }
})

test('message.list_pages', async () => {
  const account = ethAccount()
  const it = client(account)
  const sent = []
  for (let n = 0; n < 5; n += 1) {
    sent.unshift((await processed(it.createPost({ postType: 'note', channel: 'TEST', content: { n }, sync: true }))).item_hash)
  }
  const seen = []
  for (const page of [1, 2, 3, 4]) {
    const answer = await it.getMessages({ addresses: [account.address], pagination: 2, page })
    assert.equal(answer.pagination_page, page)
    assert.equal(answer.pagination_total, 5)
    assert.equal(answer.pagination_item, 'messages')
    seen.push(...hashes(answer))
  }
  assert.deepEqual(seen, sent)
})

test('message.list_of_two_addresses', async () => {
  const [one, two] = [ethAccount(), solana.newAccount().account]
  const sent = []
  for (const account of [one, two]) {
    sent.unshift((await processed(client(account).createPost({ postType: 'note', channel: 'TEST', content: {}, sync: true }))).item_hash)
  }
  assert.deepEqual(hashes(await client().getMessages({ addresses: [one.address, two.address] })), sent)
})
