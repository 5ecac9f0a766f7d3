import { assert, client, ethAccount, eventually, processed, random, test } from '../lib.mjs'
import { MessageType } from '@aleph-sdk/message'

const post = (from, channel, more = {}) =>
  processed(from.createPost({ postType: 'note', channel, content: { text: random() }, sync: true, ...more }))

async function watch(filter, during) {
  const socket = client().messageClient.getMessagesSocket(filter)
  try {
    await eventually('the connection', () => socket.getIsOpen())
    await during(socket)
  } finally {
    socket.closeSocket()
  }
}
const received = (socket) => socket.getData().map((m) => m.item_hash)

test('watch.new_messages', async () => {
  const account = ethAccount()
  const it = client(account)
  const channel = random('channel')
  await watch({ channels: [channel], addresses: [account.address] }, async (socket) => {
    await post(it, 'TEST')
    const sent = [await post(it, channel), await post(it, channel)]
    await eventually('two messages', () => socket.getData().length >= 2)
    assert.deepEqual(received(socket).sort(), sent.map((m) => m.item_hash).sort())
    const [message] = socket.getData()
    assert.equal(message.type, 'POST')
    assert.equal(message.sender, account.address)
    assert.equal(message.content.address, account.address)
    assert.equal(typeof message.time, 'number')
  })
})

test('watch.history', async () => {
  const it = client(ethAccount())
  const channel = random('channel')
  const sent = []
  for (let n = 0; n < 3; n += 1) sent.push((await post(it, channel)).item_hash)
  await watch({ channels: [channel], history: 2 }, async (socket) => {
    await eventually('two messages', () => socket.getData().length >= 2)
    const live = await post(it, channel)
    await eventually('the new one', () => received(socket).includes(live.item_hash))
    assert.deepEqual(received(socket).sort(), [...sent.slice(1), live.item_hash].sort())
  })
})

test('watch.by_type', async () => {
  const account = ethAccount()
  const it = client(account)
  await watch({ addresses: [account.address], messageType: MessageType.aggregate }, async (socket) => {
    await post(it, 'TEST')
    const wanted = await processed(it.createAggregate({ key: 'k', content: { a: 1 }, channel: 'TEST', sync: true }))
    await eventually('a message', () => socket.getData().length >= 1)
    assert.deepEqual(received(socket), [wanted.item_hash])
  })
})
