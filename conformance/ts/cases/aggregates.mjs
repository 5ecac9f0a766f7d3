import { assert, client, ethAccount, processed, random, refused, test } from '../lib.mjs'
import { ItemType, MessageNotFoundError } from '@aleph-sdk/message'

const set = (from, key, content, more = {}) =>
  processed(from.createAggregate({ key, content, channel: 'TEST', sync: true, ...more }))

test('aggregate.create_get', async () => {
  const account = ethAccount()
  const it = client(account)
  const content = { name: random(), n: 1.5, list: [1, { a: null }], nested: { a: 1 } }
  const message = await set(it, 'profile', content)
  assert.equal(message.type, 'AGGREGATE')
  assert.deepEqual(await it.fetchAggregate(account.address, 'profile'), content)
  assert.deepEqual(await it.fetchAggregates(account.address), { profile: content })
})

test('aggregate.later_keys_win', async () => {
  const account = ethAccount()
  const it = client(account)
  await set(it, 'k', { a: 1, b: { x: 1 } })
  await set(it, 'k', { b: { y: 2 }, c: 3 })
  assert.deepEqual(await it.fetchAggregate(account.address, 'k'), { a: 1, b: { y: 2 }, c: 3 })
})

test('aggregate.keys_filter', async () => {
  const account = ethAccount()
  const it = client(account)
  for (const key of ['a', 'b', 'c']) await set(it, key, { key })
  assert.deepEqual(await it.fetchAggregates(account.address, ['a', 'c']), { a: { key: 'a' }, c: { key: 'c' } })
  assert.deepEqual(Object.keys(await it.fetchAggregates(account.address)).sort(), ['a', 'b', 'c'])
})

test('aggregate.none_is_MessageNotFoundError', async () => {
  const account = ethAccount()
  await refused(client().fetchAggregate(account.address, 'k'), MessageNotFoundError)
  await set(client(account), 'other', { a: 1 })
  await refused(client().fetchAggregate(account.address, 'k'), MessageNotFoundError)
})

test('aggregate.large_content_goes_to_storage', async () => {
  const account = ethAccount()
  const it = client(account)
  const content = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`key-${n}`, { value: `v${n}` }]))
  const message = await set(it, 'big', content)
  assert.equal(message.item_type, ItemType.storage)
  assert.deepEqual(await it.fetchAggregate(account.address, 'big'), content)
})
