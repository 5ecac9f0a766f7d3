// Every account of the SDK that signs without a wallet in a browser: a post, an aggregate, a forget.
import { randomBytes } from 'node:crypto'
import { assert, client, ethAccount, fund, get, processed, random, refused, skip, test } from '../lib.mjs'
import { ForgottenMessageError } from '@aleph-sdk/message'
import * as avalanche from '@aleph-sdk/avalanche'
import * as base from '@aleph-sdk/base'
import * as cosmos from '@aleph-sdk/cosmos'
import * as ethereum from '@aleph-sdk/ethereum'
import { EVMAccount } from '@aleph-sdk/evm'
import * as nuls2 from '@aleph-sdk/nuls2'
import * as solana from '@aleph-sdk/solana'
import * as tezos from '@aleph-sdk/tezos'

// The SDK sends every account of an EVM chain as ETH, so those of Avalanche's X chain, and what
// avalanche.newAccount() makes (a signature of the X chain for an address of the C chain), do not
// work on any node.
const accounts = {
  ETH: () => ethereum.newAccount().account,
  SOL: () => solana.newAccount().account,
  AVAX: () => avalanche.importAccountFromPrivateKey(randomBytes(32).toString('hex')),
  BASE: () => base.newAccount().account,
  CSDK: async () => (await cosmos.newAccount()).account,
  NULS2: async () => (await nuls2.newAccount()).account,
  TEZOS: async () => (await tezos.newAccount()).signerAccount,
}

for (const [chain, make] of Object.entries(accounts)) {
  test(`account.sign[${chain}]`, async () => {
    const account = await make()
    assert.equal(account.getChain(), chain)
    const it = client(account)
    const content = { text: random() }
    const post = await processed(it.createPost({ postType: 'note', channel: 'TEST', content, sync: true }))
    const read = await it.getMessage(post.item_hash)
    assert.equal(read.chain, account instanceof EVMAccount ? 'ETH' : chain)
    assert.equal(read.sender, account.address)
    assert.equal(read.signature, post.signature)
    await processed(it.createAggregate({ key: 'k', content, channel: 'TEST', sync: true }))
    assert.deepEqual(await it.fetchAggregate(account.address, 'k'), content)
    await processed(it.forget({ hashes: [post.item_hash], channel: 'TEST', sync: true }))
    await refused(it.getMessage(post.item_hash), ForgottenMessageError)
  })
}

test('account.sign[DOT]', async () => skip('the dependencies of the SDK package for Polkadot cannot be resolved'))

// The SDK has no call for these two; web pages built on it ask the node directly.
test('account.balance', async () => {
  const { address } = ethAccount()
  const before = (await get(`/api/v0/addresses/${address}/balance`)).data
  assert.equal(before.address, address)
  assert.equal(before.balance, 0)
  assert.equal(before.locked_amount, 0)
  assert.equal(before.credit_balance, 0)
  await fund(address, 1234.5, 10 ** 6)
  const after = (await get(`/api/v0/addresses/${address}/balance`)).data
  assert.equal(after.balance, 1234.5)
  assert.ok(after.credit_balance >= 10 ** 6)
})

test('account.balances', async () => {
  const { address } = ethAccount()
  await fund(address, 765432)
  const { status, data } = await get('/api/v0/balances', { chains: 'ETH', min_balance: 765432, pagination: 200 })
  assert.equal(status, 200)
  const found = data.balances.find((line) => line.address === address)
  assert.equal(Number(found.balance), 765432)
})
